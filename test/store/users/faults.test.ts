import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { AccountChange, ChangeOutcome } from '../../../src/store/accounts.ts';
import { FIRST_LINE, formatRecord } from '../../../src/store/users/record.ts';
import { BrokenDisk, type Fault } from './broken-disk.ts';
import { appendAll, change, expectState, type Run, stateOf } from './users-changes.ts';
import { hashOf, newFolder, open, openStore } from './users-folder.ts';

/** Groups of simultaneous changes; the file is closed and opened between the lists. */
const SESSIONS: ReadonlyArray<ReadonlyArray<readonly AccountChange[]>> = [
  [[change('alice', 1)], [change('bob', 2), change('carol', 3)], [change('Alice', 4)]],
  // This start compacts.
  [[change('bob', 9)], [change('dave', 5)], Array.from({ length: 40 }, (_, i) => change(`user${i}`, i))],
  [[change('erin', 6)]],
];

/** Runs all sessions. Opening is tried twice: a single error has passed by then. */
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

/** Calls `run` with each operation in turn failing, until none does. */
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
    const outcomes = new Set<ChangeOutcome>();
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
  test.each([
    ['', false],
    ['together with a power cut that loses everything unsynced ', true],
  ])('%sloses nothing that was stored', async (_, isCut) => {
    await forEachOperation({ code: 'EIO', isCrash: true }, async (disk, path) => {
      const run = await play(path, disk);
      if (isCut) await disk.powerCut();
      else await disk.end();
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

  test('and a power cut while a torn end is saved keep those bytes in one file or the other', async () => {
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
