import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { FIRST_LINE, formatRecord } from '../../src/store/users-record.ts';
import { AT, hashOf, newFolder, open } from './users-folder.ts';

const NAMES = ['alice', 'Bob', 'carol', 'd', 'Eve_5', 'frank.the-sixth'];
const RECORDS = NAMES.map((name, i) => formatRecord({ name, hash: hashOf(i), at: AT }));
const WHOLE = Buffer.from(FIRST_LINE + RECORDS.join(''));
/** Where each record ends, its newline included. */
const ENDS = RECORDS.map((_, i) => FIRST_LINE.length + RECORDS.slice(0, i + 1).join('').length);
const LAST_THREE = ENDS[2] ?? 0;

/**
 * Opens a file of these bytes, appends to it and opens it again: the first `count` names are there, and the next
 * append is right. What was cut off is kept in a file beside it.
 */
async function expectRecovered(path: string, bytes: Buffer, count: number): Promise<void> {
  fs.writeFileSync(path, bytes, { mode: 0o600 });
  const kept = NAMES.slice(0, count);
  const good = count === 0 ? FIRST_LINE.length : (ENDS[count - 1] ?? 0);

  const { result, warnings } = await open(path);
  if (result.type === 'refused') throw new Error(result.text);
  const { store } = result;
  expect([...store.names()]).toEqual(kept);
  const torn = bytes.subarray(good);
  expect(warnings.length).toBe(torn.length > 0 ? 1 : 0);
  expect(warnings.join()).not.toContain('argon2');
  const saved = fs.readdirSync(join(path, '..')).filter((name) => name.startsWith('users.txt.torn-'));
  expect(saved.length).toBe(warnings.length);
  for (const name of saved) {
    const file = join(path, '..', name);
    expect(warnings[0]).toContain(file);
    expect(fs.readFileSync(file)).toEqual(torn);
    expect(fs.statSync(file).mode & 0o777).toBe(0o600);
    fs.rmSync(file);
  }

  expect(await store.append({ name: 'Zed', hash: hashOf('z'), at: AT })).toBe('stored');
  await store.close();
  const again = await open(path);
  if (again.result.type === 'refused') throw new Error(again.result.text);
  expect([...again.result.store.names()]).toEqual([...kept, 'Zed']);
  for (const [i, name] of kept.entries()) expect(again.result.store.find(name)?.hash).toBe(hashOf(i));
  expect(again.result.store.find('zed')?.hash).toBe(hashOf('z'));
  expect(again.warnings).toEqual([]);
  await again.result.store.close();
}

/** Bytes that look like anything: the same in every run. `newline` of 256 bytes are newlines. */
function noise(length: number, newline: number): Buffer {
  const bytes = Buffer.alloc(length);
  let state = 0x9e3779b9;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[i] = (state >>> 8) % 256 < newline ? 0x0a : state >>> 24;
  }
  return bytes;
}

describe('a torn end', () => {
  test('of a cut at any byte of the last three records leaves every record before it', async () => {
    const path = join(newFolder(), 'users.txt');
    for (let cut = LAST_THREE; cut <= WHOLE.length; cut++) {
      // A record that lacks only its newline is complete.
      await expectRecovered(path, WHOLE.subarray(0, cut), ENDS.filter((end) => end - 1 <= cut).length);
    }
  });

  test.each([
    ['zeros', (length: number) => Buffer.alloc(length)],
    ['0xFF', (length: number) => Buffer.alloc(length, 0xff)],
    ['newlines', (length: number) => Buffer.alloc(length, '\n')],
    ['noise', (length: number) => noise(length, 0)],
    ['noise with newlines', (length: number) => noise(length, 16)],
  ])('overwritten with %s from a byte of the last three records on', async (_, fill) => {
    const path = join(newFolder(), 'users.txt');
    for (let from = LAST_THREE; from < WHOLE.length; from++) {
      // Every byte around the end of a record, every third in between.
      if (from % 3 !== 0 && !ENDS.some((end) => Math.abs(end - from) <= 2)) continue;
      const bytes = Buffer.concat([WHOLE.subarray(0, from), fill(WHOLE.length - from)]);
      // Newlines may by chance be where they belong, or complete a record.
      const isKept = (end: number) => end <= from || (end - 1 === from && bytes[from] === 0x0a);
      await expectRecovered(path, bytes, ENDS.filter(isKept).length);
    }
  });

  test('longer than the records were, and of one record only', async () => {
    const path = join(newFolder(), 'users.txt');
    for (const fill of [
      Buffer.alloc(60_000),
      noise(60_000, 0),
      noise(60_000, 8),
      Buffer.from('alice secret\n'),
    ]) {
      await expectRecovered(path, Buffer.concat([WHOLE, fill]), 6);
      await expectRecovered(path, Buffer.concat([Buffer.from(FIRST_LINE), fill]), 0);
    }
  });

  test('is never so long that it costs many accounts', async () => {
    const path = join(newFolder(), 'users.txt');
    for (const fill of [Buffer.alloc(70_000), noise(70_000, 8), Buffer.alloc(5 << 20, 'x')]) {
      const bytes = Buffer.concat([WHOLE, fill]);
      fs.writeFileSync(path, bytes, { mode: 0o600 });
      const { result } = await open(path);
      expect(result).toMatchObject({ type: 'refused', code: 'damaged' });
      expect(result).toHaveProperty('text', expect.stringContaining('line 8:'));
      expect(fs.readFileSync(path).equals(bytes)).toBe(true);
    }
  });
});

describe('damage in the middle', () => {
  test('is refused with its line number at every byte, and the file is as it was', async () => {
    const path = join(newFolder(), 'users.txt');
    // A valid record must follow: without its newline, the last record but one is part of the last line.
    for (let at = FIRST_LINE.length; at < (ENDS[4] ?? 0) - 1; at++) {
      const bytes = Buffer.from(WHOLE);
      bytes[at] = 0xff;
      fs.writeFileSync(path, bytes, { mode: 0o600 });
      const { result } = await open(path);
      const line = ENDS.filter((end) => end <= at).length + 2;
      expect(result).toMatchObject({ type: 'refused', code: 'damaged' });
      if (result.type === 'open') return;
      expect(result.text).toContain(`${path} is damaged in line ${line}: it`);
      expect(result.text).not.toContain('argon2id');
      expect(fs.readFileSync(path).equals(bytes)).toBe(true);
    }
    expect(fs.readdirSync(join(path, '..'))).toEqual(['users.txt']);
  });

  test.each([
    ['a blank line', '\n', 'it does not begin with a user name'],
    ['the old form', 'gina secret99\n', 'it does not end with one blank and a time'],
    ['a wrong hash', 'gina secret99 2026-11-22T06:15:38Z\n', 'its second part is neither'],
    ['a carriage return', `${RECORDS[0]?.trimEnd()}\r\n`, 'it does not end with one blank and a time'],
    ['a page of zeros and a newline', `${'\0'.repeat(4_096)}\n`, 'it is longer than 512 bytes'],
    ['three wrong lines', '\n\nx\n', 'it does not begin with a user name'],
  ])('may be %s', async (_, text, fault) => {
    const path = join(newFolder(), 'users.txt');
    const [one = '', two = '', ...rest] = RECORDS;
    for (const end of [rest.join(''), rest.join('').trimEnd()]) {
      fs.writeFileSync(path, `${FIRST_LINE}${one}${two}${text}${end}`, { mode: 0o600 });
      const { result } = await open(path);
      expect(result).toMatchObject({ type: 'refused', code: 'damaged' });
      expect(result).toHaveProperty('text', expect.stringContaining(`line 4: ${fault}`));
      expect(result).toHaveProperty('text', expect.not.stringContaining('secret'));
    }
  });

  test('has the right line number far into a large file, and in front of a block boundary', async () => {
    const path = join(newFolder(), 'users.txt');
    const lines = Array.from({ length: 30_000 }, (_, i) =>
      formatRecord({ name: `user${i}`, hash: hashOf(i), at: AT }),
    );
    for (const wrong of [7_000, 25_000]) {
      const text = FIRST_LINE + lines.with(wrong, 'x\n').join('');
      fs.writeFileSync(path, text, { mode: 0o600 });
      const { result } = await open(path);
      expect(result).toHaveProperty('text', expect.stringContaining(`line ${wrong + 2}:`));
    }
    fs.writeFileSync(path, FIRST_LINE + lines.join(''), { mode: 0o600 });
    expect((await open(path)).result).toMatchObject({ type: 'open', store: { size: 30_000 } });
  });

  test('includes a first line that is missing or from another version', async () => {
    const path = join(newFolder(), 'users.txt');
    const damages = [
      [RECORDS.join(''), 'line 1 cannot be understood: it is a record with a hash'],
      [`# parley users 2\n${RECORDS.join('')}`, 'line 1 cannot be understood: it begins with "#"'],
      [`# parley users 1\r\n${RECORDS.join('')}`, 'line 1 cannot be understood: it begins with "#"'],
      [`# parley user\0\0\0\0${RECORDS.join('')}`, 'line 1 cannot be understood: it begins with "#"'],
      [
        `${'\0'.repeat(17)}${RECORDS.join('')}`,
        'line 1 cannot be understood: it does not begin with a user name',
      ],
      [`\n\nbob - 2026-11-22T06:15:38Z\n`, 'line 3 cannot be understood: it is a record'],
      [`\n\nbob $argon2id$v=19$m=1\n`, 'line 3 cannot be understood: the password looks like a hash'],
    ] as const;
    for (const [text, fault] of damages) {
      fs.writeFileSync(path, text, { mode: 0o600 });
      const { result } = await open(path);
      expect(result).toMatchObject({ type: 'refused', code: 'old_form_unclear' });
      expect(result).toHaveProperty('text', expect.stringContaining(fault));
      expect(fs.readFileSync(path, 'utf8')).toBe(text);
    }
  });
});
