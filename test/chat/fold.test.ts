/** Folds that read the same log reach the same state, however it is cut into pages. */

import { createHash } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { type CommittedBatch, Fold, type Outcome } from '../../src/chat/fold.ts';
import type { Intent } from '../../src/chat/intent.ts';
import type { Projection } from '../../src/chat/projection.ts';
import { openProjection } from '../../src/store/sqlite/projection.ts';
import { testFolder } from '../support/folder.ts';

const folder = testFolder();
const PEOPLE = ['ann', 'ben', 'cat'];
const ROOMS = ['#a', '#B', '#c'];
const START = Date.parse('2026-06-01T12:00:00Z');
let files = 0;

interface Node {
  readonly fold: Fold;
  readonly projection: Projection;
  readonly file: string;
}

function openNode(file = newFile()): Node {
  const projection = openProjection(file);
  onTestFinished(() => projection.close());
  return { fold: new Fold(projection), projection, file };
}

function newFile(): string {
  files += 1;
  return `${folder}/${files}.db`;
}

/** The state in memory, and everything in the database that does not depend on the time at which it was moved there. */
function hashOf({ fold, file, projection }: Node): string {
  const db = new DatabaseSync(file, { readOnly: true });
  const tables = ['accounts', 'conversations', 'entries', 'members', 'keys', 'seen', 'log'];
  const rows = tables.map((table) =>
    db.prepare(`SELECT * FROM ${table} ORDER BY ${table === 'log' ? 1 : '1, 2'}`).all(),
  );
  db.close();
  const accounts = [...fold.directory.accounts()].sort((a, b) => a.id - b.id);
  const memory = accounts.map((account) => [
    account.id,
    account.name,
    Array.from(fold.directory.roomsOf(account), ([room, since]) => [room.id, room.name, since]),
  ]);
  const rooms = fold.directory.roomsInOrder().map((room) => [room.id, [...room.members.keys()].sort()]);
  const state = JSON.stringify([rows, memory, rooms, projection.lastId, projection.position]);
  return createHash('sha256').update(state).digest('hex');
}

/** An intent of an account that exists, no longer exists, or never did. */
const person = fc.record({
  user: fc.constantFrom(...PEOPLE, 'gil'),
  account: fc.integer({ min: 1, max: 6 }),
});
const origin = fc.record({ shard: fc.integer({ min: 1, max: 3 }), number: fc.nat(1_000) });
const say: fc.Arbitrary<Intent> = fc
  .record({
    kind: fc.constant('say' as const),
    who: person,
    to: fc.constantFrom(...PEOPLE, ...ROOMS, 'nobody', '#nowhere'),
    text: fc.constantFrom('tea', 'coffee'),
    key: fc.constantFrom(null, 'k1', 'k2'),
    origin,
  })
  .map(({ who, ...rest }) => ({ ...rest, ...who }));
const moved: fc.Arbitrary<Intent> = fc
  .record({
    kind: fc.constantFrom('join' as const, 'leave' as const),
    who: person,
    room: fc.constantFrom(...ROOMS, '#A', '#b'),
    origin,
  })
  .map(({ who, ...rest }) => ({ ...rest, ...who }));
const registered: fc.Arbitrary<Intent> = fc.record({
  kind: fc.constant('register' as const),
  name: fc.constantFrom(...PEOPLE, 'gil', 'GIL'),
  guest: fc.boolean(),
});
const retired: fc.Arbitrary<Intent> = person.map((who) => ({ kind: 'retire' as const, ...who }));
const seen: fc.Arbitrary<Intent> = fc.record({
  kind: fc.constant('seen' as const),
  account: fc.integer({ min: 1, max: 6 }),
  id: fc.nat(100),
});
// Joins and leaves are frequent, but most people stay.
const intent = fc.oneof(
  { weight: 8, arbitrary: moved },
  { weight: 2, arbitrary: say },
  { weight: 1, arbitrary: registered },
  { weight: 1, arbitrary: retired },
  { weight: 1, arbitrary: seen },
);

/** The first batch registers the people, whose ids start at 1. */
const ARRIVALS = PEOPLE.map((name): Intent => ({ kind: 'register', name, guest: name === 'cat' }));

const log: fc.Arbitrary<CommittedBatch[]> = fc
  .array(
    fc.record({
      writer: fc.constantFrom('a', 'b', 'c'),
      intents: fc.array(intent, { maxLength: 10 }),
      // Writers have different clocks, which may be set back.
      at: fc.integer({ min: START - 5_000, max: START + 5_000 }),
    }),
    { minLength: 1, maxLength: 12 },
  )
  .map((batches) =>
    [{ writer: 'a', intents: ARRIVALS, at: START }, ...batches].map(({ writer, intents, at }, index) => ({
      position: index + 1,
      at,
      batch: { writer, number: index, intents },
    })),
  );

/** Cuts a log into pages at random. Some pages begin with batches of the page before, and some are repeated as a whole. */
function cut(batches: readonly CommittedBatch[], cuts: readonly number[]): CommittedBatch[][] {
  const pages: CommittedBatch[][] = [];
  let next = 0;
  for (let page = 0; next < batches.length; page += 1) {
    const cutAt = cuts[page % cuts.length] ?? 0;
    const size = 1 + (cutAt % 4);
    const again = (cutAt >> 2) % 3;
    const whole = batches.slice(Math.max(0, next - again), next + size);
    pages.push(whole);
    if (again === 2) pages.push(whole);
    next += size;
  }
  return pages;
}

function applyAll({ fold }: Node, pages: readonly CommittedBatch[][]): Outcome[] {
  return pages.flatMap((page) => {
    const applied = fold.apply(page);
    if (applied.type !== 'applied') throw new Error(applied.type);
    return applied.outcomes.flat();
  });
}

describe('two folds of one log', () => {
  it('are equal and decide alike, however the log is cut into pages and whatever is repeated', () => {
    const cuts = fc.array(fc.nat(11), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(log, cuts, cuts, (batches, first, second) => {
        const [a, b] = [openNode(), openNode()];
        const decided = [applyAll(a, cut(batches, first)), applyAll(b, cut(batches, second))];
        const summaries = decided.map((outcomes) => JSON.stringify(outcomes.map(summary)));
        expect(summaries[0]).toBe(summaries[1]);
        expect(hashOf(a)).toBe(hashOf(b));
        // A restart reads the state that was in memory.
        a.projection.close();
        expect(hashOf(openNode(a.file))).toBe(hashOf(b));
      }),
      { numRuns: 40 },
    );
  });

  it('are equal when one of them could not store some pages at first', () => {
    fc.assert(
      fc.property(log, fc.array(fc.boolean(), { minLength: 1, maxLength: 8 }), (batches, failures) => {
        const [a, b] = [openNode(), openNode()];
        applyAll(a, [batches]);
        for (const [index, batch] of batches.entries()) {
          if (failures[index % failures.length]) failToStore(b, [batch]);
          applyAll(b, [[batch]]);
        }
        expect(hashOf(b)).toBe(hashOf(a));
      }),
      { numRuns: 40 },
    );
  });

  it('are equal when one of them stored a page although the commit seemed to fail', () => {
    fc.assert(
      fc.property(log, fc.array(fc.boolean(), { minLength: 1, maxLength: 8 }), (batches, failures) => {
        const [a, b] = [openNode(), openNode()];
        applyAll(a, [batches]);
        for (const [index, batch] of batches.entries()) {
          if (failures[index % failures.length]) storeAndFail(b, [batch]);
          else applyAll(b, [[batch]]);
        }
        expect(hashOf(b)).toBe(hashOf(a));
      }),
      { numRuns: 40 },
    );
  });
});

/** Stores the page and then reports a failure, as after a failed sync. */
function storeAndFail({ projection, fold }: Node, page: CommittedBatch[]): void {
  const { lastId } = projection;
  const transact = projection.transact.bind(projection);
  const broken = vi.spyOn(projection, 'transact').mockImplementation((work) => {
    const stored = transact(work);
    return stored.type === 'committed' ? { type: 'storage_failed', error: new Error('not synced') } : stored;
  });
  fold.apply(page);
  broken.mockRestore();
  projection.reopen();
  for (const _ of fold.recover(lastId, () => {}));
}

/** Makes the commit fail after everything has been decided and written, as on a full disk. */
function failToStore({ fold, projection, file }: Node, page: CommittedBatch[]): void {
  const blocker = new DatabaseSync(file);
  // A constraint that no row satisfies makes the last write of the page fail.
  blocker.exec("CREATE TRIGGER full BEFORE UPDATE ON log BEGIN SELECT RAISE(ABORT, 'full'); END");
  const before = hashOf({ fold, projection, file });
  expect(fold.apply(page).type).toBe('storage_failed');
  blocker.exec('DROP TRIGGER full');
  blocker.close();
  expect(hashOf({ fold, projection, file })).toBe(before);
}

function summary(outcome: Outcome): unknown {
  if (outcome.type !== 'done') return outcome.type === 'known' ? ['known', outcome.account.id] : outcome;
  return [outcome.entries, outcome.begun?.id, outcome.ended?.id];
}
