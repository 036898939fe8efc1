import { expect, it } from 'vitest';
import { testFolder } from '../support/folder.ts';
import { migrate } from './migration.ts';

const folder = testFolder();

it.runIf(process.platform === 'linux')(
  'folders of earlier versions: nothing is lost when the migration is killed',
  async () => {
    const options = { cycles: 1, seed: 3, workers: 1, folder, log: () => {} };
    const { figures, findings } = await migrate(10_000)(options);
    expect(findings.list()).toEqual([]);
    expect(figures['kills at the start of version 4']).toBeGreaterThan(0);
  },
  // Two folders, each with half a dozen starts of the server.
  180_000,
);
