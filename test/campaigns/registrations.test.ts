import { expect, it } from 'vitest';
import { testFolder } from '../support/folder.ts';
import { killRegistrations } from './registrations.ts';

const folder = testFolder();

it('kill −9 in the middle of registrations: who was told ok can log in, and nobody else', async () => {
  const { figures, findings } = await killRegistrations({
    cycles: 3,
    seed: 1,
    workers: 2,
    folder,
    log: () => {},
  });
  expect(findings.list()).toEqual([]);
  expect(figures['registrations acknowledged']).toBeGreaterThan(5);
}, 120_000);
