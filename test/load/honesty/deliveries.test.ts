/** What a server does wrong with deliveries is reported, each by its name, and nothing else is. */

import { expect, it } from 'vitest';
import { testFolder } from '../../support/folder.ts';
import { goodCode, ROOMS, type Trial, tryOut } from './trial.ts';

const folder = testFolder();

/** What was reported, without what says nothing about delivery. */
function faultsOf({ result }: Trial): Record<string, number> {
  const { lost, repeated, reordered, diverged, foreign, unknown } = result.correctness;
  return { lost, repeated, reordered, diverged, foreign, unknown, refused: result.figures.refused };
}

const NONE = { lost: 0, repeated: 0, reordered: 0, diverged: 0, foreign: 0, unknown: 0, refused: 0 };

it.concurrent('a perfect relay: no faults, and all counts match those of the relay', async () => {
  const trial = await tryOut(folder, {});
  const { result, counted, code } = trial;
  expect(faultsOf(trial)).toEqual(NONE);
  expect(code).toBe(goodCode(result));
  expect(counted.messages).toBeGreaterThan(500);
  expect(counted.deliveries).toBe(9 * counted.messages);
  expect(result.correctness).toMatchObject({ expected: counted.deliveries, delivered: counted.deliveries });
  const { due, dropped, sent, acknowledged, delivered, connections, logins, errors } = result.figures;
  expect({ sent, acknowledged, delivered }).toEqual({
    sent: counted.messages,
    acknowledged: counted.messages,
    delivered: counted.deliveries,
  });
  expect({ due, dropped, connections, logins, errors }).toEqual({
    due: sent,
    dropped: 0,
    connections: 40,
    logins: 40,
    errors: {},
  });
  expect(result.latency.deliver?.count).toBe(counted.deliveries);
  expect(result.latency.acknowledge?.count).toBe(counted.messages);
  expect(result.series.reduce((sum, { delivered }) => sum + delivered, 0)).toBe(counted.deliveries);
});

it.concurrent('one delivery in 1,000 is lost', async () => {
  const trial = await tryOut(folder, { loseEvery: 1_000 });
  const { result, counted, code, stdout } = trial;
  expect(counted.lost).toBeGreaterThan(3);
  expect(faultsOf(trial)).toEqual({ ...NONE, lost: counted.lost });
  expect(result.correctness.expected).toBe(counted.deliveries);
  expect(result.correctness.delivered).toBe(counted.deliveries - counted.lost);
  expect(result.correctness.examples.length).toBeGreaterThan(3);
  expect(code).toBe(1);
  expect(stdout).toContain(`${counted.lost} of`);
});

/** Two of ten write, on two threads of the generator. */
const TWO_WRITERS = { ...ROOMS, groups: [{ kind: 'rooms' as const, size: 10, writers: 2 }] };
const TWO_THREADS = ['--threads', '2'];

it.concurrent.each([
  ['one delivery in 1,000 arrives twice', { repeatEvery: 1_000 }, 'repeated', 'repeated'],
  ['two successive deliveries are swapped', { swapEvery: 500 }, 'swapped', 'reordered'],
  // Each writer is in order, but the total order is not.
  ['messages of two writers are swapped for one reader', { overtakeEvery: 25 }, 'overtaken', 'reordered'],
  // For this reader, the ids rise too.
  ['one reader sees a different order than the others', { renumberEvery: 25 }, 'diverged', 'diverged'],
  ['a user receives a message that nobody sent', { inventEvery: 100 }, 'invented', 'foreign'],
  ['a damaged text counts as not arrived', { damageEvery: 50 }, 'damaged', 'lost'],
] as const)('%s', async (_, faults, counted, reported) => {
  const hasTwo = 'overtakeEvery' in faults || 'renumberEvery' in faults;
  const trial = await tryOut(folder, faults, hasTwo ? TWO_WRITERS : ROOMS, hasTwo ? TWO_THREADS : []);
  const count = trial.counted[counted];
  expect(count).toBeGreaterThan(reported === 'diverged' ? 0 : 3);
  expect(faultsOf(trial)).toEqual({ ...NONE, [reported]: count });
  expect(trial.code).toBe(1);
  // What came once more is no further delivery.
  if (reported === 'repeated') expect(trial.result.figures.delivered).toBe(trial.counted.deliveries);
  if (reported === 'diverged') {
    expect(trial.stdout).toMatch(/saw\s+a\s+different\s+order\s+than\s+the\s+others/);
  }
});

it.concurrent('a user receives messages of a room it is not in, also if it is in no room', async () => {
  const trial = await tryOut(folder, { strayEvery: 100 });
  expect(trial.counted.strayed).toBeGreaterThan(3);
  expect(faultsOf(trial)).toEqual({ ...NONE, foreign: trial.counted.strayed });
  expect(trial.code).toBe(1);

  // Of two pairs and one who is in neither: the relay takes whoever came first, which is in no conversation.
  const idle = await tryOut(
    folder,
    { strayEvery: 10 },
    { ...ROOMS, users: 10, idle: 1, talk: { loop: 'open', perUserPerMinute: 600 } },
  );
  expect(idle.counted.strayed).toBeGreaterThan(3);
  expect(faultsOf(idle)).toEqual({ ...NONE, foreign: idle.counted.strayed });
});

it.concurrent('messages that are acknowledged but never delivered are lost', async () => {
  const trial = await tryOut(folder, { deliversNothing: true });
  const { counted, result } = trial;
  expect(faultsOf(trial)).toEqual({ ...NONE, lost: counted.deliveries });
  expect(result.figures).toMatchObject({ acknowledged: counted.messages, delivered: 0 });
  expect(trial.code).toBe(1);
});

it.concurrent('a refused message counts as never sent', async () => {
  const trial = await tryOut(folder, { refuseEvery: 100 });
  const { counted, result, code } = trial;
  expect(counted.refused).toBeGreaterThan(3);
  expect(faultsOf(trial)).toEqual({ ...NONE, refused: counted.refused });
  expect(result.figures.errors).toEqual({ 'refused: storage_full': counted.refused });
  expect(result.correctness).toMatchObject({ expected: counted.deliveries, delivered: counted.deliveries });
  expect(code).toBe(goodCode(result));
});

it.concurrent('a message without an answer is unknown', async () => {
  const trial = await tryOut(folder, { swallowEvery: 100 });
  const { counted, result, code } = trial;
  expect(counted.swallowed).toBeGreaterThan(3);
  expect(faultsOf(trial)).toEqual({ ...NONE, unknown: counted.swallowed });
  expect(result.correctness).toMatchObject({ expected: counted.deliveries, delivered: counted.deliveries });
  expect(result.figures.sent).toBe(counted.messages + counted.swallowed);
  expect(code).toBe(goodCode(result));
});

it.concurrent('messages in flight at the end are waited for', async () => {
  // The relay stands still from the middle of the second second to well behind the end of the phase.
  const trial = await tryOut(
    folder,
    { stallAt: 450, stallMs: 3_500 },
    { ...ROOMS, phases: [{ kind: 'steady', seconds: 2 }] },
  );
  const { counted, result, code } = trial;
  expect([faultsOf(trial), code]).toEqual([NONE, goodCode(result)]);
  expect(counted.messages).toBeGreaterThan(500);
  expect(result.correctness).toMatchObject({ expected: counted.deliveries, delivered: counted.deliveries });
  expect(result.figures).toMatchObject({ sent: counted.messages, acknowledged: counted.messages });
});
