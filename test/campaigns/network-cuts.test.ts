import { expect, it } from 'vitest';
import { needsNetwork } from '../support/far-network.ts';
import { testFolder } from '../support/folder.ts';
import { cutNetworks } from './network-cuts.ts';

needsNetwork();
const folder = testFolder();

const LIMITS = {
  offlineMs: 40_000,
  closedMs: 0,
  lateMs: 2_000,
  env: { PARLEY_TEST_LOOK_EVERY_MS: '1000', PARLEY_TEST_KEEP_ALIVE_MS: '1000' },
};

it('whoever is behind a cut goes offline, whatever it was doing; whoever only reads nothing, or says nothing, stays', async () => {
  const { findings } = await cutNetworks(LIMITS)({ cycles: 1, seed: 1, workers: 2, folder, log: () => {} });
  expect(findings.list()).toEqual([]);
}, 120_000);
