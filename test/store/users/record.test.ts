import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isUserName } from '../../../src/chat/names.ts';
import {
  accountOf,
  formatRecord,
  isRemoval,
  isTornRecord,
  lineFault,
  nameOf,
  readEdited,
  recordFault,
} from '../../../src/store/users/record.ts';
import { AT, hashOf } from './users-folder.ts';

const NAME = 'name';
const HASH = 'hash';
const TIME = 'time';
const COST = 'cost';
const TIMESTAMP = '2026-11-22T06:15:38Z';

function faultOf(line: string): string | undefined {
  const bytes = Buffer.from(`before\n${line}\nafter`);
  return recordFault(bytes, 7, bytes.length - 6);
}

function costly(parameters: string): string {
  return `$argon2id$v=19$${parameters}$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNo`;
}

function edited(line: string): string | undefined {
  return readEdited(Buffer.from(line), 0, Buffer.byteLength(line));
}

describe('a line that was edited by hand', () => {
  const record = `alice ${hashOf(1)} ${TIMESTAMP}`;
  const removal = `alice - ${TIMESTAMP}`;

  test.each([
    ['a carriage return', (line: string) => `${line}\r`],
    ['blanks at its end', (line: string) => `${line}  `],
    ['a tab and a carriage return at its end', (line: string) => `${line}\t\r`],
    ['tabs between its fields', (line: string) => line.replaceAll(' ', '\t')],
    ['its fields in columns', (line: string) => line.replaceAll(' ', ' \t  ')],
  ])('may have %s', (_, edit) => {
    for (const line of [record, removal]) expect(edited(edit(line))).toBe(line);
  });

  test.each([
    ['', 'blank'],
    [' \t', 'blank'],
    ['\r', 'blank'],
    [` ${removal}`, NAME],
    ['carol password', 'clear'],
    ['carol password with blanks ', 'clear'],
    ['carol pässwörd', 'clear'],
    ['carol', NAME],
    ['carol -', TIME],
    ['carol - 2026-11-22', TIME],
    [`carol - ${TIMESTAMP} # gone`, TIME],
    ['# carol', NAME],
    ['\u00a0', NAME],
    [`alice${' '.repeat(5_000)}- ${TIMESTAMP}`, 'long'],
  ])('is not %j', (line, fault) => {
    expect(edited(line)).toBeUndefined();
    expect(lineFault(Buffer.from(line), 0, Buffer.byteLength(line))).toBe(fault);
  });
});

describe('what a crash leaves of a record of this server', () => {
  const whole = `alice ${hashOf(1)} ${TIMESTAMP}`;

  test('is any prefix of it, possibly followed by zeros', () => {
    for (let end = 0; end < whole.length; end++) {
      const cut = Buffer.from(whole.slice(0, end));
      expect(isTornRecord(cut)).toBe(true);
      expect(isTornRecord(Buffer.concat([cut, Buffer.alloc(300)]))).toBe(true);
    }
    expect(isTornRecord(Buffer.alloc(4_096))).toBe(true);
  });

  test.each([
    'carol password',
    'carol $argon2id$v=19$m=65536,t=3,p=4$c2Fs',
    'carol -',
    'carol - 2026-11-22T06:15:38',
    'carol  ',
    '#',
    ' ',
    `${whole.slice(0, 40)}\0${whole.slice(41)}`,
    `\0\0\0${whole.slice(3)}`,
    `${whole.slice(0, 40)}\xff`,
    'a'.repeat(33),
  ])('is not %j', (text) => {
    expect(isTornRecord(Buffer.from(text, 'latin1'))).toBe(false);
  });
});

describe('a record', () => {
  test('has the documented format', () => {
    const hash = '$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$aGFzaGhhc2hoYXNo';
    expect(formatRecord({ name: 'Alice', hash, at: AT })).toBe(`Alice ${hash} ${TIMESTAMP}\n`);
    expect(formatRecord({ name: 'bob', hash: null, at: AT })).toBe(`bob - ${TIMESTAMP}\n`);
  });

  test.each([
    '$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo',
    '$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNo',
    '$argon2i$v=16$m=4096,t=10,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNo',
    '$argon2d$v=19$m=19456,t=2,p=1$++++////++++////$++++////++++////',
    // The first that RFC 9106 recommends, and what libsodium calls sensitive.
    '$argon2id$v=19$m=2097152,t=1,p=4$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNo',
    '$argon2id$v=19$m=1048576,t=4,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNo',
    '$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNo',
    '-',
  ])('may hold %s', (hash) => {
    expect(faultOf(`alice ${hash} ${TIMESTAMP}`)).toBeUndefined();
  });

  test.each([
    ['', NAME],
    ['alice', NAME],
    ['alice ', TIME],
    [`${hashOf(1)} ${TIMESTAMP}`, NAME],
    [` alice ${hashOf(1)} ${TIMESTAMP}`, NAME],
    [`1alice ${hashOf(1)} ${TIMESTAMP}`, NAME],
    [`al=ice ${hashOf(1)} ${TIMESTAMP}`, NAME],
    [`alicé ${hashOf(1)} ${TIMESTAMP}`, NAME],
    [`${'a'.repeat(33)} ${hashOf(1)} ${TIMESTAMP}`, NAME],
    [`alice\t${hashOf(1)} ${TIMESTAMP}`, NAME],
    [`alice  ${hashOf(1)} ${TIMESTAMP}`, HASH],
    [`alice ${hashOf(1)}  ${TIMESTAMP}`, HASH],
    [`alice  - ${TIMESTAMP}`, HASH],
    [`alice -- ${TIMESTAMP}`, HASH],
    [`alice secret ${TIMESTAMP}`, HASH],
    [`alice $argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$ ${TIMESTAMP}`, HASH],
    [`alice $argon2id$v=19$m=19456,t=2,p=1$c2Fs$aGFzaGhhc2hoYXNo ${TIMESTAMP}`, HASH],
    [`alice $argon2id$v=19$m=19456,t=2,p=1$$aGFzaGhhc2hoYXNo ${TIMESTAMP}`, HASH],
    [`alice $argon2id$v=19$m=19456,t=2$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNo ${TIMESTAMP}`, HASH],
    [`alice $argon2xx$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNo ${TIMESTAMP}`, HASH],
    [`alice c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNo ${TIMESTAMP}`, HASH],
    [`alice ${costly('m=19456,t=4000,p=1')} ${TIMESTAMP}`, COST],
    [`alice ${costly('m=4294967296,t=1,p=1')} ${TIMESTAMP}`, COST],
    [`alice ${costly('m=2097153,t=1,p=1')} ${TIMESTAMP}`, COST],
    [`alice ${costly('m=19456,t=0,p=1')} ${TIMESTAMP}`, COST],
    [`alice ${costly('m=19456,t=2,p=0')} ${TIMESTAMP}`, COST],
    [`alice ${costly('m=19456,t=2,p=256')} ${TIMESTAMP}`, COST],
    [`alice ${costly('m=7,t=1,p=1')} ${TIMESTAMP}`, COST],
    [`alice ${hashOf(1)}`, TIME],
    [`alice ${TIMESTAMP}`, TIME],
    [`alice ${hashOf(1)} 2026-11-22T06:15:38`, TIME],
    [`alice ${hashOf(1)} 2026-11-22 06:15:38Z`, TIME],
    [`alice ${hashOf(1)} 2026-13-22T06:15:38Z`, TIME],
    [`alice ${hashOf(1)} 2026-00-22T06:15:38Z`, TIME],
    [`alice ${hashOf(1)} 2026-11-32T06:15:38Z`, TIME],
    [`alice ${hashOf(1)} 2026-11-00T06:15:38Z`, TIME],
    [`alice ${hashOf(1)} 2026-11-22T24:15:38Z`, TIME],
    [`alice ${hashOf(1)} 2026-11-22T06:60:38Z`, TIME],
    [`alice ${hashOf(1)} 2026-11-22T06:15:60Z`, TIME],
    [`alice ${hashOf(1)} ${TIMESTAMP} `, TIME],
    [`alice ${hashOf(1)} ${TIMESTAMP}\r`, TIME],
    [`alice ${hashOf(1)}${'A'.repeat(400)} ${TIMESTAMP}`, 'long'],
  ])('is not %j', (line, fault) => {
    expect(faultOf(line)).toBe(fault);
  });

  test('is not a record if it is cut anywhere', () => {
    for (const hash of [hashOf(1), null]) {
      const line = formatRecord({ name: 'alice', hash, at: AT }).trimEnd();
      for (let end = 0; end < line.length; end++) expect(faultOf(line.slice(0, end))).toBeDefined();
      expect(faultOf(line)).toBeUndefined();
    }
  });

  test('is never written in a form that could not be read back', () => {
    const write = (name: string, hash: string | null, at: Date) => () => formatRecord({ name, hash, at });
    expect(write('al ice', hashOf(1), AT)).toThrow(RangeError);
    expect(write('alice', `${hashOf(1)}\nmallory ${hashOf(2)}`, AT)).toThrow(RangeError);
    expect(write('alice', 'secret', AT)).toThrow(/^(?!.*secret)/);
    expect(write('alice', hashOf(1), new Date(Number.NaN))).toThrow(RangeError);
    expect(write('alice', hashOf(1), new Date(8.64e15))).toThrow(RangeError);
  });

  test('accepts the same names as everything else', () => {
    const name = fc.string({ unit: fc.constantFrom(...'aZ09_.-+ #é'), maxLength: 34 });
    fc.assert(
      fc.property(name, (text) => (faultOf(`${text} - ${TIMESTAMP}`) === undefined) === isUserName(text)),
      { numRuns: 2_000 },
    );
  });

  test('reads back what was written', () => {
    const salt = fc.base64String({ minLength: 16, maxLength: 64 }).map((text) => text.replaceAll('=', 'A'));
    fc.assert(
      fc.property(
        fc.stringMatching(/^[A-Za-z][A-Za-z0-9_.-]{0,31}$/),
        fc.record({
          m: fc.integer({ min: 800, max: 65_536 }),
          t: fc.integer({ min: 1, max: 128 }),
          p: fc.integer({ min: 1, max: 99 }),
          salt,
          output: salt,
        }),
        fc.date({ min: new Date(0), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true }),
        (name, { m, t, p, salt, output }, at) => {
          const hash = `$argon2id$v=19$m=${m},t=${t},p=${p}$${salt}$${output}`;
          const line = formatRecord({ name, hash, at }).slice(0, -1);
          const since = `${at.toISOString().slice(0, 19)}Z`;
          expect(faultOf(line)).toBeUndefined();
          expect(accountOf(line)).toEqual({ name, hash, since });
          expect(nameOf(line)).toBe(name);
          expect(isRemoval(line)).toBe(false);
          expect(isRemoval(formatRecord({ name, hash: null, at }))).toBe(true);
        },
      ),
    );
  });
});
