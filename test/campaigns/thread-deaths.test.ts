import { expect, it } from 'vitest';
import { testFolder } from '../support/folder.ts';
import { killThreads } from './thread-deaths.ts';

const folder = testFolder();

it('threads go wrong in each way under load: others take their places, and nothing is lost', async () => {
  const { figures, findings } = await killThreads({ cycles: 1, seed: 1, workers: 2, folder, log: () => {} });
  expect(findings.list().filter((line) => !line.startsWith('slow restart'))).toEqual([]);
  expect(figures.deaths).toBe(25);
}, 120_000);
