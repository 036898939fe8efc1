import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { FIRST_LINE, formatRecord } from '../../../src/store/users/record.ts';
import { BrokenDisk } from './broken-disk.ts';
import { appendAll, change, fold, stateOf } from './users-changes.ts';
import { hashOf, newFolder, open, openStore } from './users-folder.ts';

test('what was answered with storage_full does not reappear after a power cut', async () => {
  const folder = newFolder();
  const path = join(folder, 'users.txt');
  const disk = await BrokenDisk.under(folder);
  disk.writesBack = true;
  const store = await openStore(path, disk);
  await store.append(change('alice', 1));
  disk.fail({ at: 2, code: 'ENOSPC' });
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

  test('of a process that died does no harm: what it left is synced before it is used', async () => {
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
  test('causes one warning per cause, and the store works again when the disk does', async () => {
    const folder = newFolder();
    const path = join(folder, 'users.txt');
    const disk = await BrokenDisk.under(folder);
    const { result, warnings } = await open(path, disk);
    if (result.type === 'refused') throw new Error(result.text);
    expect(await result.store.append(change('alice', 1))).toBe('stored');
    disk.fail({ at: 2, code: 'ENOSPC', isCrash: true });
    // The file cannot be truncated, so its content is unknown.
    expect(await result.store.append(change('bob', 2))).toBe('storage_failed');
    for (let i = 0; i < 5; i++) expect(await result.store.append(change('bob', 2))).toBe('storage_full');
    expect(warnings.length).toBe(2);
    expect(warnings[0]).toContain(`cannot append to ${path}: ENOSPC`);
    expect(warnings[1]).toContain(`${path} cannot be written: ENOSPC`);
    disk.fail(undefined);
    expect(await result.store.append(change('bob', 3))).toBe('stored');
    await result.store.close();
    await disk.end();
    expect(stateOf(await openStore(path))).toEqual(fold([change('alice', 1), change('bob', 3)]));
  });
});

test('a file changed by someone else while an append failed is not truncated, but read again', async () => {
  const folder = newFolder();
  const path = join(folder, 'users.txt');
  const disk = await BrokenDisk.under(folder);
  const store = await openStore(path, disk);
  expect(await store.append(change('alice', 1))).toBe('stored');
  disk.fail({ at: 2, code: 'EIO', isCrash: true });
  expect(await store.append(change('bob', 2))).toBe('storage_failed');
  disk.fail(undefined);
  const changed = FIRST_LINE + formatRecord(change('carol', 3)) + formatRecord(change('alice', 1));
  fs.writeFileSync(path, changed);
  expect(await store.append(change('bob', 2))).toBe('stored');
  expect(fs.readFileSync(path, 'utf8')).toBe(changed + formatRecord(change('bob', 2)));
  await store.close();
  await disk.end();
});
