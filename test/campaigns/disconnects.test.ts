import { expect, it } from 'vitest';
import { testFolder } from '../support/folder.ts';
import { drawDisconnects } from './series/run-profile.ts';
import { runSeries } from './series/run-series.ts';

const folder = testFolder();

it('random disconnect points: what each client has been shown is what is stored', async () => {
  const { figures, findings } = await runSeries(
    { cycles: 8, seed: 5, folder, log: () => {} },
    drawDisconnects,
  );
  expect(findings.list()).toEqual([]);
  expect(figures['connections lost in a replay']).toBeGreaterThan(10);
});
