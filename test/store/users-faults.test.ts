import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { AccountStore, AppendOutcome } from '../../src/store/accounts.ts';
import { FIRST_LINE, formatRecord } from '../../src/store/users-record.ts';
import { BrokenDisk, type Fault } from './broken-disk.ts';
import { AT, hashOf, newFolder, open, openStore } from './users-folder.ts';

interface Step {
  readonly name: string;
  readonly hash: string | null;
  readonly at: Date;
}

function change(name: string, seed: number | null): Step {
  return { name, hash: seed === null ? null : hashOf(seed), at: AT };
}

/** Groups of changes, each group at one moment; the file is closed and opened between the lists. */
const SESSIONS: ReadonlyArray<ReadonlyArray<readonly Step[]>> = [
  [[change('alice', 1)], [change('bob', 2), change('carol', 3)], [change('Alice', 4)]],
  // This start compacts.
  [[change('bob', null)], [change('dave', 5)], Array.from({ length: 40 }, (_, i) => change(`user${i}`, i))],
  [[change('erin', 6)]],
];

/** Every change that was tried, in order, with its outcome. */
type Run = Array<readonly [Step, AppendOutcome]>;

/** Plays all sessions. Opening is tried twice: a single error is over by then. */
async function play(path: string, disk: BrokenDisk): Promise<Run> {
  const run: Run = [];
  for (const session of SESSIONS) {
    let opened = await open(path, disk);
    if (opened.result.type === 'refused') opened = await open(path, disk);
    const { result } = opened;
    if (result.type === 'refused') break;
    for (const group of session) {
      run.push(...(await appendAll(result.store, group)));
      expectState(result.store, run, 'exact');
    }
    await result.store.close();
  }
  return run;
}

/** Appends all at the same moment. */
async function appendAll(store: AccountStore, steps: readonly Step[]): Promise<Run> {
  return Promise.all(steps.map(async (step) => [step, await store.append(step)] as const));
}

/** The accounts after these changes, as sorted lines: matchers for lists take all maps for equal. */
function fold(steps: readonly Step[]): string[] {
  const state = new Map<string, string>();
  for (const { name, hash } of steps) {
    if (hash === null) state.delete(name.toLowerCase());
    else state.set(name.toLowerCase(), `${name} ${hash}`);
  }
  return [...state.values()].sort();
}

function stateOf(store: AccountStore): string[] {
  return [...store.names()].map((name) => `${name} ${store.find(name)?.hash}`).sort();
}

/** What was stored is there, and nothing else but, unless `exact`, changes at the end whose fate is not known. */
function expectState(store: AccountStore, outcomes: Run, how: 'exact' | 'open end'): void {
  const stored = outcomes.filter(([, outcome]) => outcome === 'stored').map(([step]) => step);
  const lastStored = outcomes.findLastIndex(([, outcome]) => outcome === 'stored');
  const open = outcomes.slice(lastStored + 1).filter(([, outcome]) => outcome === 'storage_failed');
  const possible = how === 'exact' ? [0] : open.map((_, i) => i + 1).concat(0);
  const states = possible.map((count) => fold([...stored, ...open.slice(0, count).map(([step]) => step)]));
  expect(states).toContainEqual(stateOf(store));
}

/** Calls `run` with every operation in turn as the one that fails, until none of them does. */
async function forEachOperation(
  fault: Omit<Fault, 'at'>,
  run: (disk: BrokenDisk, path: string) => Promise<void>,
) {
  for (let at = 1; ; at++) {
    const folder = newFolder();
    const disk = await BrokenDisk.under(folder);
    disk.fail({ at, ...fault });
    await run(disk, join(folder, 'users.txt'));
    if (disk.operations < at) return at;
  }
}

describe('an error of any single operation', () => {
  test.each([
    ['EIO', 'and', false],
    ['ENOSPC', 'and', false],
    ['EIO', 'and a later power cut', true],
    ['ENOSPC', 'and a later power cut', true],
  ] as const)('(%s) %s loses nothing that was stored, and the next append works', async (code, _, isCut) => {
    const outcomes = new Set<AppendOutcome>();
    const tried = await forEachOperation({ code }, async (disk, path) => {
      const run = await play(path, disk);
      if (isCut) await disk.powerCut();
      else await disk.end();
      for (const [, outcome] of run) outcomes.add(outcome);
      const failed = run.filter(([, outcome]) => outcome !== 'stored').map(([step]) => step);
      const groups = SESSIONS.flat().filter((group) => group.some((step) => failed.includes(step)));
      expect(groups.length).toBeLessThanOrEqual(1);
      expectState(await openStore(path), run, 'exact');
      expect(fs.readdirSync(join(path, '..'))).toEqual(['users.txt']);
    });
    expect(tried).toBeGreaterThan(60);
    const expected =
      code === 'EIO' ? ['stored', 'storage_failed'] : ['stored', 'storage_failed', 'storage_full'];
    expect(outcomes).toEqual(new Set(expected));
  });
});

describe('a crash at any operation', () => {
  test('loses nothing that was stored', async () => {
    await forEachOperation({ code: 'EIO', isCrash: true }, async (disk, path) => {
      const run = await play(path, disk);
      await disk.end();
      const store = await openStore(path);
      expectState(store, run, 'open end');
      expect(await store.append(change('zed', 9))).toBe('stored');
    });
  });

  test('together with a power cut that takes all that was not synced loses nothing that was stored', async () => {
    await forEachOperation({ code: 'EIO', isCrash: true }, async (disk, path) => {
      const run = await play(path, disk);
      await disk.powerCut();
      const store = await openStore(path);
      expectState(store, run, 'open end');
      expect(await store.append(change('zed', 9))).toBe('stored');
    });
  });

  test('loses nothing that the next process stored, when the power is cut after that', async () => {
    await forEachOperation({ code: 'EIO', isCrash: true }, async (disk, path) => {
      const run = await play(path, disk);
      const { operations } = disk;
      disk.fail(undefined);
      const store = await openStore(path, disk);
      expectState(store, run, 'open end');
      const expected = [...stateOf(store), `zed ${hashOf(9)}`];
      expect(await store.append(change('zed', 9))).toBe('stored');
      await store.close();
      await disk.powerCut();
      expect(stateOf(await openStore(path))).toEqual(expected);
      disk.operations = operations;
    });
  });

  test('that leaves the later pages of a write and not its first is a torn end, not damage', async () => {
    const steps = Array.from({ length: 100 }, (_, i) => change(`user${i}`, i));
    let stored = 0;
    for (let at = 1; stored < steps.length; at++) {
      const folder = newFolder();
      const path = join(folder, 'users.txt');
      const disk = await BrokenDisk.under(folder);
      disk.losesFirstPage = true;
      const before = await openStore(path, disk);
      await before.append(change('alice', 1));
      disk.fail({ at, code: 'EIO', isCrash: true });
      const run = await appendAll(before, steps);
      await disk.end();
      stored = run.filter(([, outcome]) => outcome === 'stored').length;
      expectState(await openStore(path), [[change('alice', 1), 'stored'], ...run], 'open end');
    }
  });

  test('and a power cut while a torn end is set aside keep those bytes in one file or the other', async () => {
    const good = FIRST_LINE + formatRecord(change('alice', 1));
    const torn = 'bob $argon2id$v=19$m=19456,t=2,p=1$c2Fsd';
    for (let at = 1; ; at++) {
      const folder = newFolder();
      const path = join(folder, 'users.txt');
      fs.writeFileSync(path, good + torn, { mode: 0o600 });
      const disk = await BrokenDisk.under(folder);
      disk.fail({ at, code: 'EIO', isCrash: true });
      const { result } = await open(path, disk);
      if (result.type === 'open') await result.store.close();
      await disk.powerCut();
      const text = fs.readFileSync(path, 'utf8');
      const others = fs.readdirSync(folder).filter((name) => name !== 'users.txt');
      const saved = others.map((name) => fs.readFileSync(join(folder, name), 'utf8'));
      if (text === good) expect(saved).toEqual([torn]);
      else expect(text).toBe(good + torn);
      if (disk.operations < at) break;
    }
  });
});

test('what is answered with storage_full does not come back after a power cut', async () => {
  const folder = newFolder();
  const path = join(folder, 'users.txt');
  const disk = await BrokenDisk.under(folder);
  disk.writesBack = true;
  const store = await openStore(path, disk);
  await store.append(change('alice', 1));
  disk.fail({ at: 1, code: 'ENOSPC' });
  const group = Array.from({ length: 20 }, (_, i) => change(`user${i}`, i));
  const run = await appendAll(store, group);
  expect(new Set(run.map(([, outcome]) => outcome))).toEqual(new Set(['storage_full']));
  await disk.powerCut();
  expect(stateOf(await openStore(path))).toEqual(fold([change('alice', 1)]));
});

describe('a failed sync', () => {
  test('is not followed by anything that depends on its pages, in this process or the next', async () => {
    const group = Array.from({ length: 60 }, (_, i) => change(`user${i}`, i));
    for (const isCrash of [false, true]) {
      for (let at = 1; at <= 12; at++) {
        const folder = newFolder();
        const path = join(folder, 'users.txt');
        const disk = await BrokenDisk.under(folder);
        let store = await openStore(path, disk);
        await store.append(change('alice', 1));
        disk.fail({ at, code: 'EIO', isCrash });
        await appendAll(store, group);
        disk.fail(undefined);
        await store.close();
        store = await openStore(path, disk);
        const expected = [...stateOf(store), `zed ${hashOf(9)}`];
        expect(await store.append(change('zed', 9))).toBe('stored');
        await store.close();
        await disk.powerCut();
        expect(stateOf(await openStore(path))).toEqual(expected);
      }
    }
  });

  test('of a process that died does not matter: what it left is synced before it is shown', async () => {
    const folder = newFolder();
    const path = join(folder, 'users.txt');
    fs.writeFileSync(path, FIRST_LINE + formatRecord(change('alice', 1)), { mode: 0o600 });
    const disk = await BrokenDisk.under(folder, false);
    const store = await openStore(path, disk);
    expect(store.find('alice')?.hash).toBe(hashOf(1));
    await store.close();
    await disk.powerCut();
    expect((await openStore(path)).find('alice')?.hash).toBe(hashOf(1));
  });
});

describe('a disk that stays broken', () => {
  test('is warned about once for each cause, and the store works again when it does', async () => {
    const folder = newFolder();
    const path = join(folder, 'users.txt');
    const disk = await BrokenDisk.under(folder);
    const { result, warnings } = await open(path, disk);
    if (result.type === 'refused') throw new Error(result.text);
    expect(await result.store.append(change('alice', 1))).toBe('stored');
    disk.fail({ at: 1, code: 'ENOSPC', isCrash: true });
    // The file cannot be set back, so it is not known what is in it.
    expect(await result.store.append(change('bob', 2))).toBe('storage_failed');
    for (let i = 0; i < 5; i++) expect(await result.store.append(change('bob', 2))).toBe('storage_full');
    expect(warnings.length).toBe(2);
    expect(warnings[0]).toContain(`nothing could be appended to ${path}: ENOSPC`);
    expect(warnings[1]).toContain(`${path} cannot be written: ENOSPC`);
    disk.fail(undefined);
    expect(await result.store.append(change('bob', 3))).toBe('stored');
    await result.store.close();
    await disk.end();
    expect(stateOf(await openStore(path))).toEqual(fold([change('alice', 1), change('bob', 3)]));
  });
});

test('a file that something else changed is not written to after an error, and not cut', async () => {
  const folder = newFolder();
  const path = join(folder, 'users.txt');
  const disk = await BrokenDisk.under(folder);
  const { result, warnings } = await open(path, disk);
  if (result.type === 'refused') throw new Error(result.text);
  const { store } = result;
  expect(await store.append(change('alice', 1))).toBe('stored');
  const changed = fs.readFileSync(path, 'utf8').replace('alice', 'mallo');
  fs.writeFileSync(path, changed);
  disk.fail({ at: 1, code: 'ENOSPC' });
  expect(await store.append(change('bob', 2))).toBe('storage_failed');
  expect(await store.append(change('bob', 2))).toBe('storage_failed');
  expect(warnings.at(-1)).toContain('was changed while the server ran');
  expect(fs.readFileSync(path, 'utf8').startsWith(changed)).toBe(true);
  await store.close();
  await disk.end();
});

test('a disk that is really full takes nothing, keeps everything, and takes more once there is space', async (context) => {
  const folder = newFolder();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder], { stdio: 'ignore' });
  } catch {
    context.skip('only root may mount a small disk');
  }
  onTestFinished(() => void execFileSync('umount', ['-l', folder]));
  const ballast = join(folder, 'ballast');
  fs.writeFileSync(ballast, Buffer.alloc(36_864));
  const path = join(folder, 'users.txt');
  const store = await openStore(path);
  const run: Run = [];
  while (run.every(([, outcome]) => outcome === 'stored') && run.length < 1_000) {
    run.push(
      ...(await appendAll(
        store,
        Array.from({ length: 10 }, (_, i) => change(`user${i}`, run.length + i)),
      )),
    );
  }
  const stored = run.filter(([, outcome]) => outcome === 'stored').map(([step]) => step);
  expect(stored.length).toBeGreaterThan(100);
  expect(new Set(run.map(([, outcome]) => outcome))).toEqual(new Set(['stored', 'storage_full']));
  expect(fs.readFileSync(path, 'utf8')).toBe(FIRST_LINE + stored.map((step) => formatRecord(step)).join(''));
  expectState(store, run, 'exact');

  fs.truncateSync(ballast, 32_768);
  run.push(...(await appendAll(store, [change('late', 1)])));
  expect(run.at(-1)?.[1]).toBe('stored');
  await store.close();

  // A start on the full disk: everything is there, and dropping superseded lines has to wait.
  fs.writeFileSync(join(folder, 'ballast-2'), '');
  fillDisk(join(folder, 'ballast-2'));
  const full = await open(path);
  if (full.result.type === 'refused') throw new Error(full.result.text);
  expect(full.warnings).toEqual([expect.stringContaining('stays longer than it needs to be: ENOSPC')]);
  expectState(full.result.store, run, 'exact');
  await full.result.store.close();

  fs.rmSync(ballast);
  const again = await openStore(path);
  expectState(again, run, 'exact');
  expect(fs.readFileSync(path, 'utf8').split('\n').length).toBe(1 + 11 + 1);
});

function fillDisk(path: string): void {
  try {
    for (;;) fs.appendFileSync(path, Buffer.alloc(4_096));
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith('ENOSPC')) throw error;
  }
}
