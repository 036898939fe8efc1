import { expect, it } from 'vitest';
import { testFolder } from '../support/folder.ts';
import { restartUnderLoad } from './restarts.ts';

const folder = testFolder();

it('SIGTERM and restart under load: everybody is told, comes back, and has got everything once', async () => {
  const { figures, findings } = await restartUnderLoad({
    cycles: 2,
    seed: 1,
    workers: 2,
    folder,
    log: () => {},
  });
  expect(findings.list()).toEqual([]);
  expect(figures.acknowledged).toBeGreaterThan(10);
}, 120_000);
