import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { AccountStore } from '../../../src/store/accounts.ts';
import { FIRST_LINE, formatRecord } from '../../../src/store/users/record.ts';
import { openUsersFile } from '../../../src/store/users/users-file.ts';
import { until } from '../../support/process.ts';
import { AT, accountsOf, hashOf, newFolder } from './users-folder.ts';

const REMOVAL = 'alice - 2026-11-22T06:15:38Z\n';

function record(name: string, seed: number | string): string {
  return formatRecord({ name, hash: hashOf(seed), at: AT });
}

interface Opened {
  readonly path: string;
  readonly store: AccountStore;
  readonly warnings: string[];
  /** The names reported as changed, one list per report. */
  readonly changes: Array<readonly string[]>;
  append(name: string, seed: number): Promise<string>;
  text(): string;
}

/** A store with alice and bob, which it registered itself, recently. */
async function openWithTwo(path = join(newFolder(), 'users.txt')): Promise<Opened> {
  const warnings: string[] = [];
  const changes: Array<readonly string[]> = [];
  const result = await openUsersFile(path, {
    hash: () => Promise.reject(new Error('nothing is hashed here')),
    warn: (text) => warnings.push(text),
    changed: (names) => changes.push(names),
  });
  if (result.type === 'refused') throw new Error(result.text);
  const { store } = result;
  onTestFinished(() => store.close());
  const append = (name: string, seed: number) => store.append({ name, hash: hashOf(seed), at: AT });
  expect(await append('alice', 1)).toBe('stored');
  expect(await append('bob', 2)).toBe('stored');
  return { path, store, warnings, changes, append, text: () => fs.readFileSync(path, 'utf8') };
}

/** Another file under the same name, as `sed -i` and most editors leave it. */
function replace(path: string, text: string): void {
  fs.writeFileSync(`${path}.new`, text, { mode: 0o600 });
  fs.renameSync(`${path}.new`, path);
}

test('another file with the same content: later changes go into it', async () => {
  const { path, store, text, append, changes } = await openWithTwo();
  const before = text();
  replace(path, before);
  expect(await append('carol', 3)).toBe('stored');
  expect(text()).toBe(before + record('carol', 3));
  expect(changes).toEqual([[]]);
  await store.close();
});

test.each([
  ['by another file', replace],
  ['in place', (path: string, text: string) => fs.writeFileSync(path, text)],
])('a file changed %s takes effect without a restart, and is reported', async (_, write) => {
  const { path, store, text, append, changes, warnings } = await openWithTwo();
  expect(await append('carol', 3)).toBe('stored');
  const next = `${FIRST_LINE}${record('alice', 1)}${record('bob', 'another')}${record('dave', 4).trimEnd()}\r\n`;
  write(path, next);
  await store.refresh();
  expect(store.find('bob')?.hash).toBe(hashOf('another'));
  expect(store.find('dave')?.hash).toBe(hashOf(4));
  // It says nothing about carol, who may have been registered after an editor had read the file.
  expect(store.find('carol')?.hash).toBe(hashOf(3));
  expect(await append('erin', 5)).toBe('stored');
  expect(text()).toBe(`${next}${record('carol', 3)}${record('erin', 5)}`);
  expect(changes).toEqual([['bob']]);
  expect(warnings).toEqual([
    expect.stringContaining(`${path} was changed while the server was running; reread it`),
  ]);
});

test('an appended removal removes the account, whatever is registered meanwhile', async () => {
  const { path, store, text, append, changes } = await openWithTwo();
  const before = text();
  fs.appendFileSync(path, REMOVAL);
  const answers = [append('carol', 3), append('dave', 4)];
  expect(await Promise.all(answers)).toEqual(['stored', 'stored']);
  expect(store.find('alice')).toBeUndefined();
  expect(text()).toBe(before + REMOVAL + record('carol', 3) + record('dave', 4));
  expect(changes).toEqual([['alice']]);
});

test('a removal in the place of a record, and a change of password that an editor did not see', async () => {
  const { path, store, text, append } = await openWithTwo();
  const before = text();
  expect(await append('bob', 3)).toBe('stored');
  replace(path, before.replace(/^alice .*\n/m, REMOVAL));
  await store.refresh();
  expect(store.find('alice')).toBeUndefined();
  expect(store.find('bob')?.hash).toBe(hashOf(3));
  expect(text()).toBe(FIRST_LINE + REMOVAL + record('bob', 2) + record('bob', 3));
});

test('a removal without its newline is not joined with the next record', async () => {
  const { path, store, text, append } = await openWithTwo();
  const before = text();
  fs.appendFileSync(path, REMOVAL.trimEnd());
  expect(await append('carol', 3)).toBe('stored');
  expect(text()).toBe(before + REMOVAL + record('carol', 3));
  expect(store.find('alice')).toBeUndefined();
});

test('nothing acknowledged is lost, however often the file is replaced by an earlier copy', async () => {
  const { path, store, append } = await openWithTwo();
  const names: string[] = ['alice', 'bob'];
  let isOver = false;
  const editor = (async () => {
    while (!isOver) {
      const text = fs.readFileSync(path, 'utf8');
      await new Promise((resolve) => setTimeout(resolve, 5));
      if (fs.readFileSync(path, 'utf8') !== text) replace(path, text);
      await new Promise((resolve) => setTimeout(resolve, 400));
    }
  })();
  for (let i = 0; i < 40; i++) {
    if ((await append(`user${i}`, i)) === 'stored') names.push(`user${i}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  isOver = true;
  await editor;
  expect(names.length).toBeGreaterThan(10);
  await until('the last replacement to be taken over', async () => {
    await store.refresh();
    const text = fs.readFileSync(path, 'utf8');
    return names.every((name) => text.includes(`\n${name} `) && store.find(name) !== undefined);
  });
});

test.each([
  [
    'is damaged',
    (text: string) => `${text}carol password9\n`,
    'line 4 is damaged: it looks like a name and a plain-text password',
  ],
  [
    'ends in half of a removal',
    (text: string) => `${text}alice - 2026`,
    'line 4 is damaged: it does not end with',
  ],
  [
    'ends in half of a record',
    (text: string) => `${text}${record('carol', 3).slice(0, 50)}`,
    'its last line is incomplete',
  ],
  ['has lost its first line', (text: string) => text.slice(FIRST_LINE.length), 'it does not start with'],
  ['is empty', () => '', 'it does not start with'],
])('a file that %s changes nothing; nobody can register until it is fixed', async (_, damage, why) => {
  const { path, store, text, append, warnings, changes } = await openWithTwo();
  const before = text();
  const accounts = accountsOf(store);
  const damaged = damage(before);
  replace(path, damaged);
  expect(await append('dave', 4)).toBe('storage_failed');
  await store.refresh();
  expect(accountsOf(store)).toEqual(accounts);
  expect(text()).toBe(damaged);
  expect(warnings).toEqual([expect.stringContaining(why)]);
  expect(warnings[0]).not.toMatch(/password9|argon2id/);
  expect(changes).toEqual([]);
  replace(path, before);
  expect(await append('dave', 4)).toBe('stored');
  expect(text()).toBe(before + record('dave', 4));
});

test('a missing file is not created again; nobody can register until it is back', async () => {
  const { path, store, append, warnings, text } = await openWithTwo();
  const before = text();
  fs.renameSync(path, `${path}.away`);
  expect(await append('dave', 4)).toBe('storage_failed');
  expect(fs.existsSync(path)).toBe(false);
  expect(warnings).toEqual([expect.stringContaining('it is missing; restore it')]);
  expect(store.find('alice')).toBeDefined();
  fs.renameSync(`${path}.away`, path);
  expect(await append('dave', 4)).toBe('stored');
  expect(text()).toBe(before + record('dave', 4));
});

test('a link in its place is not followed', async () => {
  const { path, append, text } = await openWithTwo();
  const before = text();
  fs.renameSync(path, `${path}.away`);
  fs.symlinkSync(`${path}.away`, path);
  expect(await append('dave', 4)).toBe('storage_failed');
  expect(text()).toBe(before);
  fs.renameSync(`${path}.away`, path);
  expect(await append('dave', 4)).toBe('stored');
  expect(text()).toBe(before + record('dave', 4));
});

test('another folder in the place of this one is not this store’s', async () => {
  const folder = newFolder();
  const data = join(folder, 'data');
  fs.mkdirSync(data);
  const { path, append, text } = await openWithTwo(join(data, 'users.txt'));
  const before = text();
  fs.renameSync(data, join(folder, 'away'));
  expect(await append('dave', 4)).toBe('storage_failed');
  fs.mkdirSync(data);
  fs.writeFileSync(path, FIRST_LINE + record('mallory', 9), { mode: 0o600 });
  expect(await append('dave', 4)).toBe('storage_failed');
  expect(text()).toBe(FIRST_LINE + record('mallory', 9));
  fs.rmSync(data, { recursive: true });
  fs.renameSync(join(folder, 'away'), data);
  expect(await append('dave', 4)).toBe('stored');
  expect(text()).toBe(before + record('dave', 4));
});

test('a file created by someone before the first registration is accepted', async () => {
  const path = join(newFolder(), 'users.txt');
  const result = await openUsersFile(path, { hash: async () => '', warn: () => {} });
  if (result.type === 'refused') throw new Error(result.text);
  onTestFinished(() => result.store.close());
  fs.writeFileSync(path, FIRST_LINE + record('alice', 1), { mode: 0o600 });
  expect(await result.store.append({ name: 'bob', hash: hashOf(2), at: AT })).toBe('stored');
  expect(fs.readFileSync(path, 'utf8')).toBe(FIRST_LINE + record('alice', 1) + record('bob', 2));
  expect([...result.store.names()]).toEqual(['alice', 'bob']);
});

test.each([
  ['in the file that is reread for it', REMOVAL, false],
  ['while it waits for the file to be reread', REMOVAL, true],
  ['by a file that says nothing about it', '', true],
])('a new password does not bring back an account that was removed %s', async (_, removal, waits) => {
  const { path, store, append, text } = await openWithTwo();
  if (removal === '') {
    vi.useFakeTimers({ toFake: ['performance'], now: performance.now() });
    onTestFinished(() => void vi.useRealTimers());
    // What was stored this long ago is no longer protected from an editor that lacks it.
    vi.advanceTimersByTime(60_000);
    await store.refresh();
    replace(path, `${FIRST_LINE}${record('bob', 2)}`);
  } else {
    fs.appendFileSync(path, removal);
  }
  const carol = waits ? append('carol', 3) : undefined;
  // The change of carol is on its way to the disk; the next one waits.
  await new Promise((resolve) => setImmediate(resolve));
  const changed = store.append({ name: 'alice', hash: hashOf('new'), at: AT, isReplacement: true });
  expect(await changed).toBe('removed');
  await carol;
  expect(store.find('alice')).toBeUndefined();
  expect(text()).not.toContain(hashOf('new'));
});
