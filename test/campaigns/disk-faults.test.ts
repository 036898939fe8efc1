import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { testFolder } from '../support/folder.ts';
import { needs } from '../support/needs.ts';
import { isOnDelayedLog } from '../support/server.ts';
import { failServer } from './disk/server-faults.ts';
import { failStores } from './disk-faults.ts';

/** Hundreds of starts, each with its syncs: in memory, where there is such a folder. */
const folder = existsSync('/dev/shm') ? mkdtempSync('/dev/shm/parley-test-') : testFolder();
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const options = { cycles: 1, seed: 1, workers: 2, log: () => {} };

describe.runIf(process.platform === 'linux')('the n-th operation on the disk fails', () => {
  needs('cc', 'gcc', 'clang');

  it('of each store, alone and with a power cut: what was acknowledged is there', async () => {
    const { figures, findings } = await failStores({ ...options, folder: `${folder}/stores` }, 149);
    expect(findings.list()).toEqual([]);
    expect(figures['plays of SQLite files with a fault']).toBeGreaterThan(30);
  });

  it.skipIf(isOnDelayedLog)('under a real server, which goes on', async () => {
    const { figures, findings } = await failServer({ ...options, folder: `${folder}/server` });
    expect(findings.list()).toEqual([]);
    expect(figures.acknowledged).toBeGreaterThan(50);
  });
});
