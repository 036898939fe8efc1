import { expect, it } from 'vitest';
import { testFolder } from '../support/folder.ts';
import { randomDisconnects } from './disconnects.ts';

const folder = testFolder();

it('random disconnect points: what each client has been shown is what is stored', async () => {
  const { figures, findings } = await randomDisconnects({ cycles: 8, seed: 5, folder, log: () => {} });
  expect(findings.list()).toEqual([]);
  expect(figures['connections lost in a replay']).toBeGreaterThan(10);
});
