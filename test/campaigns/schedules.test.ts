import { expect, it } from 'vitest';
import { testFolder } from '../support/folder.ts';
import { randomSchedules } from './schedules.ts';

const folder = testFolder();

it('random schedules: each client gets what was said while it was a member, once and in order', async () => {
  const { figures, findings } = await randomSchedules({ cycles: 5, seed: 9, folder, log: () => {} });
  expect(findings.list()).toEqual([]);
  expect(figures['entries shown']).toBeGreaterThan(1_000);
});
