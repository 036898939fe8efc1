import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { FIRST_LINE, formatRecord } from '../../../src/store/users/record.ts';
import { AT, hashOf, newFolder, open } from './users-folder.ts';

/** A `users.txt` with an account for each name. */
function fileOf(names: readonly string[]) {
  const records = names.map((name, i) => formatRecord({ name, hash: hashOf(i), at: AT }));
  const whole = Buffer.from(FIRST_LINE + records.join(''));
  /** Where each record ends, its newline included. */
  const ends = records.map((_, i) => FIRST_LINE.length + records.slice(0, i + 1).join('').length);
  return { names, records, whole, ends, lastThree: ends.at(-4) ?? 0 };
}

const SHORT = fileOf(['alice', 'Bob', 'carol', 'd', 'Eve_5', 'frank.the-sixth']);
/** Its last record but one lies across the end of the first page of 4 KiB. */
const TWO_PAGES = Array.from({ length: 60 }, (_, count) =>
  fileOf(Array.from({ length: count }, (_, i) => `person-${i}`)),
).find(({ ends }) => (ends.at(-2) ?? 0) > 4_096);
if (TWO_PAGES === undefined) throw new Error('60 records fit into one page');
const { names: NAMES, records: RECORDS, whole: WHOLE, ends: ENDS, lastThree: LAST_THREE } = SHORT;

/**
 * Opens a file of these bytes, appends to it and opens it again: the first `count` names are there, and the next
 * append is right. What was cut off is kept in a file beside it.
 */
async function expectRecovered(path: string, bytes: Buffer, count: number, file = SHORT): Promise<void> {
  fs.writeFileSync(path, bytes, { mode: 0o600 });
  const kept = file.names.slice(0, count);
  const good = count === 0 ? FIRST_LINE.length : (file.ends[count - 1] ?? 0);

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

/** Refuses a file of these bytes, names the line, and leaves everything as it was. */
async function expectRefused(path: string, bytes: Buffer, line: number): Promise<string> {
  fs.writeFileSync(path, bytes, { mode: 0o600 });
  const { result, warnings } = await open(path);
  if (result.type === 'open') throw new Error('not refused');
  expect(result.code).toBe('damaged');
  expect(result.text).toContain(`${path} is damaged in line ${line}: `);
  expect(result.text).not.toMatch(/argon2id\$v=19\$m|secret|password9/);
  expect(warnings).toEqual([]);
  expect(fs.readFileSync(path).equals(bytes)).toBe(true);
  expect(fs.readdirSync(join(path, '..'))).toEqual(['users.txt']);
  return result.text;
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
  test.each([
    ['any byte', SHORT, 1],
    ['a byte, across the end of a page,', TWO_PAGES, 5],
  ] as const)(
    'of a cut at %s of the last three records leaves every record before it',
    async (_, file, step) => {
      const path = join(newFolder(), 'users.txt');
      const { whole, ends, lastThree } = file;
      for (let cut = lastThree; cut <= whole.length; cut += step) {
        // A record that lacks only its newline is complete.
        await expectRecovered(
          path,
          whole.subarray(0, cut),
          ends.filter((end) => end - 1 <= cut).length,
          file,
        );
      }
    },
  );

  test.each([
    ['any byte', SHORT, 1],
    ['a byte, across the end of a page,', TWO_PAGES, 5],
  ] as const)('of zeros from %s of the last three records on', async (_, file, step) => {
    const path = join(newFolder(), 'users.txt');
    const { whole, ends, lastThree } = file;
    for (let from = lastThree; from < whole.length; from += step) {
      const bytes = Buffer.concat([whole.subarray(0, from), Buffer.alloc(whole.length - from)]);
      await expectRecovered(path, bytes, ends.filter((end) => end <= from).length, file);
    }
  });

  test('of zeros that are more than the records were, and of one record only', async () => {
    const path = join(newFolder(), 'users.txt');
    await expectRecovered(path, Buffer.concat([WHOLE, Buffer.alloc(60_000)]), 6);
    await expectRecovered(path, Buffer.concat([Buffer.from(FIRST_LINE), Buffer.alloc(60_000)]), 0);
  });
});

describe('an end that no crash leaves is refused', () => {
  test.each([
    ['0xFF', (length: number) => Buffer.alloc(length, 0xff)],
    ['newlines', (length: number) => Buffer.alloc(length, '\n')],
    ['blanks', (length: number) => Buffer.alloc(length, ' ')],
    ['noise', (length: number) => noise(length, 0)],
    ['noise with newlines', (length: number) => noise(length, 16)],
  ])('%s from a byte of the last three records on', async (_, fill) => {
    const path = join(newFolder(), 'users.txt');
    for (let from = LAST_THREE; from < WHOLE.length; from++) {
      // Every byte around the end of a record, every third in between.
      if (from % 3 !== 0 && !ENDS.some((end) => Math.abs(end - from) <= 2)) continue;
      const bytes = Buffer.concat([WHOLE.subarray(0, from), fill(WHOLE.length - from)]);
      // What is put there may by chance be what was there; and blanks may be behind a record.
      const isBlank = bytes.toString('latin1', from).trim() === '';
      if (isBlank && (from === WHOLE.length - 1 || (bytes[from] === 0x20 && ENDS.includes(from + 1))))
        continue;
      const whole = ENDS.filter((end) => end <= from || (end - 1 === from && bytes[from] === 0x0a)).length;
      await expectRefused(path, bytes, whole + 2);
    }
  });

  test.each([
    ['a name and a password', 'carol password9'],
    ['a name and a password, ended by a newline', 'carol password9\n'],
    ['a name and a password, from Windows', 'carol password9\r\n'],
    ['the same behind a blank line', '\ncarol password9'],
    ['half of a removal', 'alice -'],
    ['half of the time of a removal', 'alice - 2026-11-22T06'],
    ['a removal without a time', 'alice -\n'],
    ['a removal with a remark', 'alice - 2026-11-22T06:15:38Z left in May'],
    [
      'a removal in front of which a newline is lacking',
      `${RECORDS[0]?.trimEnd()}alice - 2026-11-22T06:15:38Z\n`,
    ],
    [
      'a hash of other software without its end',
      'alice $argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHRzYWx0$aGFz',
    ],
    ['half of a record, ended by a newline', `${RECORDS[0]?.slice(0, 60)}\n`],
    ['zeros, ended by a newline', `${'\0'.repeat(4_096)}\n`],
    ['zeros in front of text', `\0\0\0${RECORDS[0]?.slice(3, 70)}`],
    ['a blank line', '\n'],
    ['a comment', '# carol'],
  ])('%s', async (_, text) => {
    const path = join(newFolder(), 'users.txt');
    await expectRefused(path, Buffer.concat([WHOLE, Buffer.from(text, 'latin1')]), 8);
  });

  test('a name and a password, with a hint how to write it', async () => {
    const path = join(newFolder(), 'users.txt');
    for (const text of ['carol password9', 'carol password9\n', 'carol password9 with words\t\r\n']) {
      const told = await expectRefused(path, Buffer.concat([WHOLE, Buffer.from(text)]), 8);
      expect(told).toContain('"NAME HASH 2026-11-22T06:15:38Z"');
      expect(told).toContain('parley connect --register');
    }
  });

  test('one so long that it would cost many accounts', async () => {
    const path = join(newFolder(), 'users.txt');
    for (const fill of [
      Buffer.alloc(70_000),
      noise(70_000, 8),
      Buffer.alloc(5 << 20, 'x'),
      Buffer.alloc(5 << 20),
    ]) {
      await expectRefused(path, Buffer.concat([WHOLE, fill]), 8);
    }
  });

  test('a hash whose check would keep a thread busy for ever', async () => {
    const path = join(newFolder(), 'users.txt');
    for (const parameters of ['m=19456,t=4000,p=1', 'm=4294967296,t=1,p=1']) {
      const record = `mallory $argon2id$v=19$${parameters}$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNo 2026-11-22T06:15:38Z\n`;
      const told = await expectRefused(path, Buffer.concat([WHOLE, Buffer.from(record)]), 8);
      expect(told).toContain('parameters of its hash are out of range');
    }
  });
});

describe('what people plainly mean is read', () => {
  const [alice = '', , carol = ''] = RECORDS;
  const removal = 'Alice - 2026-11-22T06:15:38Z';

  test.each([
    ['a removal from Windows', `${removal}\r\n`],
    ['a removal without its newline', removal],
    ['a removal with blanks behind it', `${removal}  \n`],
    ['a removal with blanks behind it and no newline', `${removal} `],
    ['a removal with tabs', 'Alice\t-\t2026-11-22T06:15:38Z\t\n'],
    ['a removal with a carriage return and no newline', `${removal}\r`],
  ])('%s', async (_, text) => {
    const path = join(newFolder(), 'users.txt');
    fs.writeFileSync(path, Buffer.concat([WHOLE, Buffer.from(text)]), { mode: 0o600 });
    for (let start = 0; start < 2; start++) {
      const { result, warnings } = await open(path);
      if (result.type === 'refused') throw new Error(result.text);
      expect([...result.store.names()]).toEqual(NAMES.slice(1));
      expect(warnings).toEqual([]);
      await result.store.close();
    }
    expect(fs.readFileSync(path, 'utf8')).toBe(FIRST_LINE + RECORDS.slice(1).join(''));
  });

  test.each([
    ['saved on Windows', (text: string) => text.replaceAll('\n', '\r\n')],
    ['with a byte order mark', (text: string) => `\ufeff${text}`],
    ['saved on Windows with a byte order mark', (text: string) => `\ufeff${text.replaceAll('\n', '\r\n')}`],
    ['with blanks behind every line', (text: string) => text.replaceAll('\n', ' \n')],
    ['with a blank behind the last record', (text: string) => `${text.trimEnd()} `],
    ['with tabs between the fields', (text: string) => text.replace(/(?<!^#.*) /gm, '\t')],
  ])('a file %s: it is written again as it would be written', async (_, edit) => {
    const path = join(newFolder(), 'users.txt');
    const text = FIRST_LINE + alice + carol;
    fs.writeFileSync(path, edit(text), { mode: 0o600 });
    const { result, warnings } = await open(path);
    if (result.type === 'refused') throw new Error(result.text);
    expect(result.store.find('alice')?.hash).toBe(hashOf(0));
    expect(result.store.find('carol')?.hash).toBe(hashOf(2));
    expect(warnings).toEqual([]);
    expect(fs.readFileSync(path, 'utf8')).toBe(text);
    expect(await result.store.append({ name: 'Zed', hash: hashOf('z'), at: AT })).toBe('stored');
    await result.store.close();
    const again = await open(path);
    if (again.result.type === 'refused') throw new Error(again.result.text);
    expect([...again.result.store.names()]).toEqual(['alice', 'carol', 'Zed']);
    await again.result.store.close();
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
    ['a blank line', '\n', 'it is blank'],
    ['the old form', 'gina secret99\n', 'it looks like a name and a plain-text password'],
    ['a wrong hash', 'gina secret99 2026-11-22T06:15:38Z\n', 'its second field is neither'],
    ['a page of zeros and a newline', `${'\0'.repeat(4_096)}\n`, 'it is longer than 512 bytes'],
    ['three wrong lines', '\n\nx\n', 'it is blank'],
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
      [RECORDS.join(''), 'line 1 cannot be read: it is a record with a hash'],
      [RECORDS.join('').replaceAll('\n', '\r\n'), 'line 1 cannot be read: it is a record'],
      [`# parley users 2\n${RECORDS.join('')}`, 'line 1 cannot be read: it starts with "#"'],
      ['bob - 2026-11-22T06:15:38Z\r\n', 'line 1 cannot be read: it is a record'],
      ['bob secret\nbob -\n', 'line 2 cannot be read: it looks like a removal'],
      [`# parley user\0\0\0\0${RECORDS.join('')}`, 'line 1 cannot be read: it starts with "#"'],
      [`${'\0'.repeat(17)}${RECORDS.join('')}`, 'line 1 cannot be read: it does not start with a user name'],
      [`\n\nbob - 2026-11-22T06:15:38Z\n`, 'line 3 cannot be read: it is a record'],
      [`\n\nbob $argon2id$v=19$m=1\n`, 'line 3 cannot be read: the password looks like a hash'],
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
