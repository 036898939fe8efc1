import * as fs from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { foldName } from '../../../src/chat/names.ts';
import type { Account } from '../../../src/store/accounts.ts';
import { FIRST_LINE, formatRecord } from '../../../src/store/users/record.ts';
import { BrokenDisk } from './broken-disk.ts';
import { AT, accountsOf, hashOf, newFolder, openStore } from './users-folder.ts';

function record(name: string, seed: number): string {
  return formatRecord({ name, hash: hashOf(seed), at: AT });
}

test('any changes, with the file reopened at any point, behave like a map', async () => {
  const change = fc.record({
    name: fc.constantFrom(
      'alice',
      'Alice',
      'ALICE',
      'bob',
      'BOB',
      'x',
      'a.long_name-with.everything_012345'.slice(0, 32),
    ),
    hash: fc.nat(1_000).map(hashOf),
    at: fc.date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true }),
  });
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.array(change, { minLength: 1, maxLength: 8 }) },
    { weight: 1, arbitrary: fc.constant('reopen' as const) },
  );
  const folder = newFolder();
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      const path = join(folder, `users-${run++}.txt`);
      const model = new Map<string, Account>();
      let store = await openStore(path);
      for (const step of steps) {
        if (step === 'reopen') {
          await store.close();
          store = await openStore(path);
        } else {
          const outcomes = await Promise.all(step.map((change) => store.append(change)));
          expect(new Set(outcomes)).toEqual(new Set(['stored']));
          for (const { name, hash, at } of step) {
            model.set(foldName(name), { name, hash, since: `${at.toISOString().slice(0, 19)}Z` });
          }
        }
        expect(accountsOf(store)).toEqual(
          new Map([...model.values()].map((account) => [account.name, account])),
        );
        expect(store.size).toBe(model.size);
        expect(store.find('aLiCe')).toEqual(model.get('alice'));
      }
      await store.close();
    }),
    { numRuns: 150 },
  );
});

describe('simultaneous appends', () => {
  test('share writes and syncs, and keep their order', async () => {
    const folder = newFolder();
    const disk = await BrokenDisk.under(folder);
    const store = await openStore(join(folder, 'users.txt'), disk);
    await store.append({ name: 'zoe', hash: hashOf(0), at: AT });
    disk.counts.clear();
    const changes = Array.from({ length: 100 }, (_, i) => ({
      name: `user${i % 50}`,
      hash: hashOf(i),
      at: AT,
    }));
    const outcomes = await Promise.all(changes.map((change) => store.append(change)));
    expect(new Set(outcomes)).toEqual(new Set(['stored']));
    // 13 KiB: four pages.
    expect(disk.counts.get('datasync')).toBeLessThanOrEqual(4);
    expect(disk.counts.get('write')).toBe(disk.counts.get('datasync'));
    expect(store.size).toBe(51);
    expect(store.find('user7')?.hash).toBe(hashOf(57));
    expect(fs.readFileSync(join(folder, 'users.txt'), 'utf8')).toBe(
      FIRST_LINE + record('zoe', 0) + changes.map((change) => formatRecord(change)).join(''),
    );
    await disk.end();
  });

  test('are visible once they are on disk, not before', async () => {
    const folder = newFolder();
    const disk = await BrokenDisk.under(folder);
    const store = await openStore(join(folder, 'users.txt'), disk);
    const stored = store.append({ name: 'alice', hash: hashOf(1), at: AT });
    expect(store.find('alice')).toBeUndefined();
    let outcome: string | undefined;
    void stored.then((value) => {
      outcome = value;
    });
    while (store.find('alice') === undefined) {
      expect(outcome).toBeUndefined();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await store.close();
    await disk.powerCut();
    expect((await openStore(join(folder, 'users.txt'))).find('alice')?.hash).toBe(hashOf(1));
  });

  test('are refused above a limit, the newest first', async () => {
    const path = join(newFolder(), 'users.txt');
    const store = await openStore(path);
    const outcomes = await Promise.all(
      Array.from({ length: 1_500 }, (_, i) => store.append({ name: `user${i}`, hash: hashOf(i), at: AT })),
    );
    const accepted = outcomes.lastIndexOf('stored') + 1;
    expect(accepted).toBe(1_024);
    expect(new Set(outcomes.slice(0, accepted))).toEqual(new Set(['stored']));
    expect(new Set(outcomes.slice(accepted))).toEqual(new Set(['storage_failed']));
    await store.close();
    expect((await openStore(path)).size).toBe(accepted);
  });

  test('are all written before the store closes, and none after', async () => {
    const path = join(newFolder(), 'users.txt');
    const store = await openStore(path);
    const waiting = ['alice', 'bob'].map((name) => store.append({ name, hash: hashOf(name), at: AT }));
    const outcomes: string[] = [];
    for (const answer of waiting) void answer.then((outcome) => outcomes.push(outcome));
    await store.close();
    expect(outcomes).toEqual(['stored', 'stored']);
    expect(await store.append({ name: 'carol', hash: hashOf(3), at: AT })).toBe('storage_failed');
    expect((await openStore(path)).size).toBe(2);
  });
});
