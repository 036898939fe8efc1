import * as fs from 'node:fs';
import { join } from 'node:path';
import { hash, verify } from '@node-rs/argon2';
import { describe, expect, test } from 'vitest';
import { FIRST_LINE, formatRecord } from '../../../src/store/users/record.ts';
import { openUsersFile } from '../../../src/store/users/users-file.ts';
import { BrokenDisk } from './broken-disk.ts';
import { AT, hashOf, newFolder, open, openStore } from './users-folder.ts';

const OLD = 'alice secret-one\nBob s3cret two words\n\ncarol pässwörd\r\nd x';
const PASSWORDS = { alice: 'secret-one', Bob: 's3cret two words', carol: 'pässwörd', d: 'x' };
const NEW =
  FIRST_LINE +
  Object.entries(PASSWORDS)
    .map(([name, password]) => formatRecord({ name, hash: hashOf(password), at: AT }))
    .join('');

function writeOld(text: string | Buffer): string {
  const path = join(newFolder(), 'users.txt');
  fs.writeFileSync(path, text, { mode: 0o600 });
  return path;
}

test('plain-text passwords are replaced by hashes that verify', async () => {
  const path = writeOld(OLD);
  const warnings: string[] = [];
  const result = await openUsersFile(path, {
    hash: (password) => hash(password, { memoryCost: 19_456, timeCost: 2, parallelism: 1 }),
    warn: (text) => warnings.push(text),
  });
  if (result.type === 'refused') throw new Error(result.text);
  const { store } = result;
  expect([...store.names()]).toEqual(Object.keys(PASSWORDS));
  for (const [name, password] of Object.entries(PASSWORDS)) {
    const stored = store.find(name)?.hash ?? '';
    expect(stored).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect(await verify(stored, password)).toBe(true);
    expect(await verify(stored, `${password} `)).toBe(false);
  }
  await store.close();
  const text = fs.readFileSync(path, 'utf8');
  expect(text.startsWith(FIRST_LINE)).toBe(true);
  for (const password of ['secret-one', 's3cret', 'pässwörd']) {
    expect(text).not.toContain(password);
    expect(warnings.join()).not.toContain(password);
  }
  expect(warnings).toEqual([
    expect.stringContaining('contained 4 plain-text passwords (1 shorter than 8 bytes)'),
  ]);
  expect(fs.statSync(path).mode & 0o777).toBe(0o600);
  expect(fs.readdirSync(join(path, '..'))).toEqual(['users.txt']);
});

test('obvious variants are accepted: a byte order mark, Windows, tabs, removals', async () => {
  const lines = ['alice secret-one', 'Bob\ts3cret two words\t', 'eve eves secret', 'carol pässwörd', 'd x'];
  const removal = 'EVE\t- 2026-11-22T06:15:38Z ';
  const path = writeOld(`\ufeff${[...lines, removal].join('\r\n')}\r\n`);
  await openStore(path);
  expect(fs.readFileSync(path, 'utf8')).toBe(NEW);
});

test('it is done once', async () => {
  const path = writeOld(OLD);
  await openStore(path);
  expect(fs.readFileSync(path, 'utf8')).toBe(NEW);
  const { result, warnings } = await open(path);
  expect(result).toMatchObject({ type: 'open', store: { size: 4 } });
  expect(warnings).toEqual([]);
  expect(fs.readFileSync(path, 'utf8')).toBe(NEW);
});

test('many accounts are hashed a few at a time, and keep their order', async () => {
  const names = Array.from({ length: 100 }, (_, i) => `user${i}`);
  const path = writeOld(names.map((name) => `${name} password of ${name}\n`).join(''));
  let running = 0;
  let most = 0;
  const result = await openUsersFile(path, {
    warn: () => undefined,
    hash: async (password) => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setImmediate(resolve));
      running--;
      return hashOf(password);
    },
  });
  if (result.type === 'refused') throw new Error(result.text);
  expect([...result.store.names()]).toEqual(names);
  expect(result.store.find('user42')?.hash).toBe(hashOf('password of user42'));
  expect(most).toBe(8);
  await result.store.close();
});

describe('an ambiguous line rejects the file, which is not changed', () => {
  test.each([
    ['no password', 'bob', 'there is no password after the name'],
    ['an empty password', 'bob ', 'there is no password after the name'],
    ['no name', ' secret99', 'it does not start with a user name'],
    ['a name that is not allowed', '7up secret99', 'it does not start with a user name'],
    ['another separator', 'bob:secret99', 'it does not start with a user name'],
    ['a tab between a blank and the password', 'bob \tsecret99', 'there is white space before or after'],
    ['half of a removal', 'alice -', 'it looks like a removal'],
    ['the removal of nobody', 'bob - 2026-11-22T06:15:38Z', 'it is a record with a hash'],
    ['a comment', '# secret99', 'it starts with "#"'],
    ['a blank more', 'bob  secret99', 'there is white space before or after the password'],
    ['a blank at the end', 'bob secret99 ', 'there is white space before or after the password'],
    ['a control character', 'bob secret99\0', 'there is a control character in the password'],
    ['a long password', `bob secret99${'x'.repeat(249)}`, 'the password is longer than 256 bytes'],
    ['a hash', 'bob $argon2id$v=19$secret99', 'the password looks like a hash'],
    ['the same name', 'alice secret99', 'it has the same name as line 1'],
    ['the same line', 'alice first-password', 'it has the same name as line 1'],
    ['the same name in another case', 'ALICE secret99', 'it has the same name as line 1'],
    ['bytes that are not text', Buffer.from('bob secret99\xff\xfe', 'latin1'), 'it is not UTF-8 text'],
    ['zeros', '\0'.repeat(100), 'it does not start with a user name'],
    ['a very long line', `bob secret99${'x'.repeat(3 << 20)}`, 'the password is longer than 256 bytes'],
  ])('%s', async (_, line, fault) => {
    const bytes = Buffer.concat([
      Buffer.from('alice first-password\n\n'),
      Buffer.from(line),
      Buffer.from('\ncarol last-password\n'),
    ]);
    const path = writeOld(bytes);
    const { result, warnings } = await open(path);
    expect(result).toMatchObject({ type: 'refused', code: 'old_form_unclear' });
    if (result.type === 'open') return;
    expect(result.text).toContain(`line 3 cannot be read: ${fault}`);
    expect(result.text).not.toMatch(/secret99|first-password/);
    expect(warnings).toEqual([]);
    expect(fs.readFileSync(path).equals(bytes)).toBe(true);
    expect(fs.readdirSync(join(path, '..'))).toEqual(['users.txt']);
  });
});

test('an error of the hash function is passed on, and the file is not changed', async () => {
  const path = writeOld(OLD);
  const opening = openUsersFile(path, {
    hash: () => Promise.reject(new Error('no threads')),
    warn: () => undefined,
  });
  await expect(opening).rejects.toThrow('no threads');
  expect(fs.readFileSync(path, 'utf8')).toBe(OLD);
});

describe('an interruption at every operation', () => {
  test.each([
    ['a crash', { code: 'EIO', isCrash: true }, false],
    ['a crash and a power cut', { code: 'EIO', isCrash: true }, true],
    ['a single error', { code: 'EIO' }, false],
    ['a full disk', { code: 'ENOSPC' }, false],
  ] as const)(
    'by %s leaves the old file or the one with hashes, and the next start finishes',
    async (_, fault, isCut) => {
      let isOver = false;
      let oldFiles = 0;
      for (let at = 1; !isOver; at++) {
        const path = writeOld(OLD);
        const disk = await BrokenDisk.under(join(path, '..'));
        disk.fail({ at, ...fault });
        const { result } = await open(path, disk);
        isOver = disk.operations < at;
        if (result.type === 'open') await result.store.close();
        if (isCut) await disk.powerCut();
        else await disk.end();

        const text = fs.readFileSync(path, 'utf8');
        if (text === OLD) oldFiles++;
        else expect(text).toBe(NEW);
        if (isOver) expect(result.type).toBe('open');
        const store = await openStore(path);
        expect([...store.names()]).toEqual(Object.keys(PASSWORDS));
        expect(fs.readFileSync(path, 'utf8')).toBe(NEW);
        expect(fs.readdirSync(join(path, '..'))).toEqual(['users.txt']);
        expect(fs.statSync(path).mode & 0o777).toBe(0o600);
      }
      expect(oldFiles).toBeGreaterThan(10);
    },
  );
});
