import { expect, it } from 'vitest';
import { testFolder } from '../support/folder.ts';
import { isOnDelayedLog } from '../support/server.ts';
import { fillDisk } from './disk-full.ts';

const folder = testFolder();

it.skipIf(isOnDelayedLog)(
  'a disk that fills up: nothing that was stored is lost, nothing that was refused is stored, all else goes on',
  async (context) => {
    const result = await fillDisk({ cycles: 1, seed: 1, workers: 2, folder, log: () => {} });
    if (result === undefined) return context.skip('only root may mount a small disk');
    expect(result.findings.list()).toEqual([]);
    expect(result.figures.acknowledged).toBeGreaterThan(10);
  },
);
