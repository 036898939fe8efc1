import { beforeAll, expect, it } from 'vitest';
import { REFUSALS } from '../../src/protocol/vocabulary.ts';
import { TestClient } from '../support/client.ts';
import { sharedServer } from '../support/server-runs.ts';

const server = sharedServer();
beforeAll(() => TestClient.register(server.address, 'ann'));

it('every refusal has a text', () => {
  for (const text of Object.values(REFUSALS)) expect(text).toMatch(/^[a-z].{7,}[a-z0-9]$/);
});

it('answers a wrong password and an unknown user alike, in the same time', async () => {
  const time = async (user: string): Promise<number> => {
    const client = await TestClient.connect(server.address);
    const start = performance.now();
    const answer = await client.call('login', user, 'a wrong password');
    expect(answer.slice(2)).toEqual(['wrong_credentials', REFUSALS.wrong_credentials]);
    return performance.now() - start;
  };
  const known: number[] = [];
  const unknown: number[] = [];
  for (let i = 0; i < 6; i += 1) {
    known.push(await time('ann'));
    unknown.push(await time(`nobody${i}`));
  }
  // Hashing takes more than 5 ms on any machine; an answer without it takes less than 2 ms.
  const median = (times: number[]): number => times.sort((a, b) => a - b)[3] ?? 0;
  expect(median(unknown)).toBeGreaterThan(median(known) / 3);
  expect(median(known)).toBeGreaterThan(median(unknown) / 3);
});
