import { expect, it } from 'vitest';
import { testFolder } from '../support/folder.ts';
import { drawSchedule } from './series/run-profile.ts';
import { runSeries } from './series/run-series.ts';

const folder = testFolder();

it('random schedules: each client gets what was said while it was a member, once and in order', async () => {
  const { figures, findings } = await runSeries({ cycles: 5, seed: 9, folder, log: () => {} }, drawSchedule);
  expect(findings.list()).toEqual([]);
  expect(figures['entries shown']).toBeGreaterThan(1_000);
});
