import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { FIRST_LINE, formatRecord } from '../../../src/store/users/record.ts';
import { BrokenDisk } from './broken-disk.ts';
import { AT, accountsOf, hashOf, newFolder, open, openStore } from './users-folder.ts';

const SINCE = '2026-11-22T06:15:38Z';

function record(name: string, seed: number | null): string {
  return formatRecord({ name, hash: seed === null ? null : hashOf(seed), at: AT });
}

describe('a folder without users.txt', () => {
  test('has no accounts, and opening it creates nothing', async () => {
    const folder = newFolder();
    const store = await openStore(join(folder, 'users.txt'));
    expect(store.size).toBe(0);
    expect(store.find('alice')).toBeUndefined();
    await store.close();
    expect(fs.readdirSync(folder)).toEqual([]);
  });

  test('gets one, exactly in the documented format and private to its owner, with the first account', async () => {
    const path = join(newFolder(), 'users.txt');
    const store = await openStore(path);
    const hash = '$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$aGFzaGhhc2hoYXNo';
    expect(await store.append({ name: 'Alice', hash, at: AT })).toBe('stored');
    expect(await store.append({ name: 'bob', hash, at: AT })).toBe('stored');
    expect(fs.readFileSync(path, 'utf8')).toBe(
      `# parley users 1\nAlice ${hash} ${SINCE}\nbob ${hash} ${SINCE}\n`,
    );
    expect(fs.statSync(path).mode & 0o777).toBe(0o600);
    expect(store.find('ALICE')).toEqual({ name: 'Alice', hash, since: SINCE });
  });

  test.each(['', '#', '# parley users', '# parley users 1'])(
    'is equivalent to a file with only %j',
    async (text) => {
      const path = join(newFolder(), 'users.txt');
      fs.writeFileSync(path, text, { mode: 0o600 });
      const store = await openStore(path);
      expect(store.size).toBe(0);
      expect(fs.readFileSync(path, 'utf8')).toBe(text);
      expect(await store.append({ name: 'alice', hash: hashOf(1), at: AT })).toBe('stored');
      expect(fs.readFileSync(path, 'utf8')).toBe(FIRST_LINE + record('alice', 1));
    },
  );
});

describe('the last line of a name wins', () => {
  test('for changes, removals and other spellings, and its spelling is shown', async () => {
    const path = join(newFolder(), 'users.txt');
    const lines = [
      record('Alice', 1),
      record('bob', 2),
      record('ALICE', 3),
      record('carol', 4),
      record('Bob', null),
      record('Carol', null),
      record('carol', 5),
    ];
    fs.writeFileSync(path, FIRST_LINE + lines.join(''), { mode: 0o600 });
    const store = await openStore(path);
    expect(accountsOf(store)).toEqual(
      new Map([
        ['ALICE', { name: 'ALICE', hash: hashOf(3), since: SINCE }],
        ['carol', { name: 'carol', hash: hashOf(5), since: SINCE }],
      ]),
    );
    expect(store.size).toBe(2);
  });

  test('and a start drops the others', async () => {
    const path = join(newFolder(), 'users.txt');
    const text =
      FIRST_LINE + record('alice', 1) + record('Alice', 2) + record('bob', 3) + record('bob', null);
    fs.writeFileSync(path, text, { mode: 0o600 });
    const { ino } = fs.statSync(path);
    const store = await openStore(path);
    expect(fs.readFileSync(path, 'utf8')).toBe(FIRST_LINE + record('Alice', 2));
    expect(fs.statSync(path)).toMatchObject({ mode: 0o100600 });
    expect(fs.statSync(path).ino).not.toBe(ino);
    expect(await store.append({ name: 'carol', hash: hashOf(4), at: AT })).toBe('stored');
    await store.close();

    const compacted = fs.statSync(path);
    await openStore(path);
    expect(fs.statSync(path)).toMatchObject({ ino: compacted.ino, mtimeMs: compacted.mtimeMs });
    expect(fs.readdirSync(join(path, '..'))).toEqual(['users.txt']);
  });

  test('and a large file is not rewritten for a single line', async () => {
    const path = join(newFolder(), 'users.txt');
    let text = FIRST_LINE;
    for (let i = 0; i < 10_000; i++) text += record(`user${i}`, i);
    fs.writeFileSync(path, text + record('user1', -1), { mode: 0o600 });
    const { ino } = fs.statSync(path);
    const store = await openStore(path);
    expect(store.find('user1')?.hash).toBe(hashOf(-1));
    expect(fs.statSync(path).ino).toBe(ino);
  });
});

describe('a file that is not private to this server', () => {
  test.each([0o640, 0o604, 0o622, 0o611])('mode %o is set to 600, with a warning', async (mode) => {
    const path = join(newFolder(), 'users.txt');
    fs.writeFileSync(path, FIRST_LINE + record('alice', 1));
    fs.chmodSync(path, mode);
    const { result, warnings } = await open(path);
    expect(result).toMatchObject({ type: 'open', store: { size: 1 } });
    expect(fs.statSync(path).mode & 0o777).toBe(0o600);
    expect(warnings).toEqual([
      `other users could access ${path} (mode ${mode.toString(8)}); its mode is now 600`,
    ]);
  });

  test('a symbolic link, a folder and a pipe are refused', async () => {
    const folder = newFolder();
    fs.writeFileSync(join(folder, 'target'), FIRST_LINE);
    fs.symlinkSync('target', join(folder, 'link'));
    fs.symlinkSync('nowhere', join(folder, 'dangling'));
    fs.mkdirSync(join(folder, 'folder'));
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    for (const name of ['link', 'dangling', 'folder', 'pipe']) {
      const { result } = await open(join(folder, name));
      expect(result).toMatchObject({ type: 'refused', code: 'unsafe_file' });
      expect(result).toHaveProperty('text', expect.stringContaining(join(folder, name)));
    }
  });

  test('a file without permission is refused', async () => {
    const folder = newFolder();
    const path = join(folder, 'users.txt');
    fs.writeFileSync(path, FIRST_LINE, { mode: 0o600 });
    // The tests may run as root, who may open everything.
    const disk = await BrokenDisk.under(folder);
    disk.fail({ at: 3, code: 'EACCES' });
    const { result } = await open(path, disk);
    expect(result).toMatchObject({ type: 'refused', code: 'unreadable' });
    expect(result).toHaveProperty('text', expect.stringContaining(path));
    await disk.end();
  });
});

test('a file that a crash left beside it is removed', async () => {
  for (const text of [undefined, FIRST_LINE + record('alice', 1)]) {
    const folder = newFolder();
    const path = join(folder, 'users.txt');
    if (text !== undefined) fs.writeFileSync(path, text, { mode: 0o600 });
    fs.writeFileSync(`${path}.tmp`, `${FIRST_LINE}bob $argon2id`, { mode: 0o600 });
    expect((await openStore(path)).size).toBe(text === undefined ? 0 : 1);
    expect(fs.readdirSync(folder)).toEqual(text === undefined ? [] : ['users.txt']);
  }
});
