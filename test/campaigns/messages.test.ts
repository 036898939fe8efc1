import { expect, it } from 'vitest';
import { testFolder } from '../support/folder.ts';
import { killMessages } from './messages.ts';

const folder = testFolder();

it('kill −9 in the middle of messages: none lost, none twice, in order, for everybody', async () => {
  const { figures, findings } = await killMessages({ cycles: 3, seed: 1, workers: 2, folder, log: () => {} });
  expect(findings.list()).toEqual([]);
  expect(figures.acknowledged).toBeGreaterThan(10);
}, 120_000);
