import { expect, it } from 'vitest';
import { testFolder } from '../support/folder.ts';
import { tearEnds } from './torn-ends/torn-ends.ts';

const folder = testFolder();

it('files that have lost their end: every start works, with all that came before', async () => {
  const strides = { logCut: 1_499, logOverwritten: 5_003 };
  const { findings } = await tearEnds({ cycles: 3, seed: 1, workers: 1, folder, log: () => {} }, strides);
  expect(findings.list()).toEqual([]);
}, 120_000);
