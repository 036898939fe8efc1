import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Interval } from '../../../src/store/archive-store.ts';
import { toMatch } from '../../../src/store/search/query.ts';
import { testFolder } from '../../support/folder.ts';
import { type OpenIndex, openIndex } from './open-index.ts';
import { ALL, expected, fill, findAll, makeRows, termsOf, WORDS, whole } from './search-rows.ts';

const folder = testFolder();
let files = 0;
const open = (partSize?: number): OpenIndex => openIndex(`${folder}/${++files}.db`, partSize);

const DAY_US = 24 * 3_600 * 1_000_000;

describe('the search index', () => {
  it('finds the same as a scan of all messages, newest first, for any query', () => {
    const rows = makeRows(3_000, 100);
    const { index } = open();
    fill(index, rows, 130);
    const firstId = rows[0]?.id ?? 0;
    const lastId = rows.at(-1)?.id ?? 0;
    const id = fc.integer({ min: firstId - 10, max: lastId + 10 });
    const interval = fc.record({ conversation: fc.integer({ min: 1, max: 105 }), from: id, to: id });
    const intervals = fc.oneof(
      fc.array(interval, { maxLength: 8 }),
      fc.array(interval, { minLength: 70, maxLength: 200 }),
      fc.constant(whole(...Array.from({ length: 100 }, (_, n) => n + 1))),
    );
    const word = fc.constantFrom(...WORDS);
    const term = fc.oneof(
      word,
      word.map((begin) => `${begin.slice(0, 3)}*`.replace('no*', 'no')),
      fc.array(word, { minLength: 1, maxLength: 3 }).map((list) => `"${list.join(' ')}"`),
    );
    const query = fc.array(term, { minLength: 1, maxLength: 4 }).map((list) => list.join(' '));
    const limit = fc.integer({ min: 1, max: 500 });
    const asked = fc.record({
      query,
      intervals,
      before: id,
      limit,
      budgetMs: fc.constantFrom(0, 0.2, 1_000),
    });
    let found = 0;
    fc.assert(
      fc.property(asked, (search) => {
        const ids = findAll(index, search);
        expect(ids).toEqual(expected(rows, search));
        found += ids.length;
      }),
      { numRuns: 200 },
    );
    expect(found).toBeGreaterThan(1_000);
  });

  it('returns pages of the requested length, and where to continue', () => {
    const rows = makeRows(1_000, 2);
    const { index } = open();
    fill(index, rows);
    const asked = { query: 'tea', intervals: whole(1, 2) };
    const all = expected(rows, asked);
    const page = index.find({
      match: toMatch(termsOf('tea')),
      intervals: whole(1, 2),
      before: ALL,
      limit: 7,
      budgetMs: 1e3,
    });
    expect(page).toEqual({ type: 'found', ids: all.slice(0, 7), next: all[6] });
    expect(findAll(index, { ...asked, limit: 1 })).toEqual(all);
    expect(findAll(index, { ...asked, before: all[20] ?? 0 })).toEqual(all.slice(21));
  });

  it('stops when its time is up, possibly without a hit, and continues from there', () => {
    const rows = makeRows(1_000, 2);
    const { index } = open(100);
    fill(index, rows);
    const search = { match: toMatch(termsOf('absent')), intervals: whole(1, 2), limit: 10, budgetMs: 0 };
    let next: number | null = ALL;
    let steps = 0;
    for (; next !== null; steps += 1) {
      const page = index.find({ ...search, before: next });
      if (page.type !== 'found') throw new Error(page.type);
      expect(page.ids).toEqual([]);
      next = page.next;
    }
    expect(steps).toBe(10);
  });

  it('finds nothing for a user who may see nothing, whatever the query', () => {
    const { index } = open();
    fill(index, [
      { id: 1, at: 0, conversation: 1, text: 'c12 tea' },
      { id: 2, at: 0, conversation: 12, text: 'c1 tea' },
    ]);
    expect(findAll(index, { query: 'tea', intervals: [] })).toEqual([]);
    expect(findAll(index, { query: 'tea', intervals: whole(2, 121) })).toEqual([]);
    expect(findAll(index, { query: 'c1', intervals: whole(1, 12) })).toEqual([2]);
    expect(findAll(index, { query: 'c1*', intervals: whole(1) })).toEqual([1]);
  });

  it('examines only what lies in the intervals', () => {
    const { index } = open(2);
    fill(
      index,
      [10, 20, 30, 40, 50].map((id) => ({ id, at: 0, conversation: 1, text: 'tea' })),
    );
    const seen = (...intervals: Interval[]): number[] => findAll(index, { query: 'tea', intervals });
    expect(seen({ conversation: 1, from: 20, to: 40 })).toEqual([40, 30, 20]);
    expect(seen({ conversation: 1, from: 21, to: 39 })).toEqual([30]);
    expect(seen({ conversation: 1, from: 0, to: 10 }, { conversation: 1, from: 50, to: ALL })).toEqual([
      50, 10,
    ]);
  });

  it('remembers how far it has indexed, also through entries without text', () => {
    const { index, reopen } = open();
    expect(index.indexed).toBe(0);
    fill(index, [{ id: 5, at: 0, conversation: 1, text: 'tea' }]);
    expect(index.add([], 9)).toEqual({ type: 'added' });
    expect(index.indexed).toBe(9);
    const again = reopen((id) => id === 9);
    expect(again.indexed).toBe(9);
    expect(findAll(again, { query: 'tea', intervals: whole(1) })).toEqual([5]);
    expect(() => again.add([{ id: 9, at: 0, conversation: 1, text: 'twice' }], 10)).toThrow(RangeError);
    expect(() => again.add([{ id: 11, at: 0, conversation: 1, text: 'beyond' }], 10)).toThrow(RangeError);
    fill(again, [{ id: 10, at: 0, conversation: 1, text: 'more tea' }]);
    expect(findAll(again, { query: 'tea', intervals: whole(1) })).toEqual([10, 5]);
  });

  it('stores words, and no text', () => {
    const { index, file } = open();
    fill(index, [{ id: 5, at: 0, conversation: 1, text: 'Wherever The Wind Blows' }]);
    index.close();
    const content = readFileSync(file, 'latin1');
    expect([content.includes('wherever'), /wherever.{0,3}the/i.test(content)]).toEqual([true, false]);
    expect(readdirSync(dirname(file)).filter((name) => name.startsWith(basename(file)))).toHaveLength(1);
  });
});

describe('removing from the search index', () => {
  it('finds nothing afterwards, drops one part per call, and remembers how far it has indexed', () => {
    const rows = makeRows(1_000, 5);
    const { index, file, reopen } = open(100);
    fill(index, rows);
    const asked = { query: 'te*', intervals: whole(1, 2, 3, 4, 5) };
    const middle = rows[450]?.id ?? 0;
    const calls: boolean[] = [];
    for (let isDone = false; !isDone; ) {
      const outcome = index.remove(middle);
      if (outcome.type !== 'removed') throw new Error(outcome.type);
      expect(findAll(index, asked)).toEqual(expected(rows.slice(450), asked));
      isDone = outcome.isDone;
      calls.push(isDone);
    }
    expect(calls).toEqual([false, false, false, true]);
    expect(index.remove(middle - 1)).toEqual({ type: 'removed', isDone: true });
    const again = reopen();
    expect(findAll(again, asked)).toEqual(expected(rows.slice(450), asked));
    expect(again.indexed).toBe(rows.at(-1)?.id);
    again.close();
    const db = new DatabaseSync(file, { readOnly: true });
    const tables = db.prepare(`SELECT count(*) AS n FROM sqlite_schema WHERE name LIKE 'places%'`).get();
    expect({ ...tables }).toEqual({ n: 6 });
    db.close();
  });

  it('continues when nothing is left, and reuses the space', () => {
    const rows = makeRows(6_000, 5);
    const { index, file } = open(100);
    fill(index, rows.slice(0, 2_000));
    for (let start = 2_000; start < 6_000; start += 100) {
      const before = rows[start - 100]?.id ?? 0;
      for (let more = true; more; ) {
        const outcome = index.remove(before);
        more = outcome.type === 'removed' && !outcome.isDone;
      }
      fill(index, rows.slice(start, start + 100));
    }
    expect(findAll(index, { query: 'tea', intervals: whole(1) })).toEqual(
      expected(rows.slice(-200), { query: 'tea', intervals: whole(1) }),
    );
    index.remove(ALL);
    index.remove(ALL);
    expect(findAll(index, { query: 'tea', intervals: whole(1, 2, 3, 4, 5) })).toEqual([]);
    index.close();
    expect(statSync(file).size).toBeLessThan(600_000);
  });

  it.each([
    ['with the time', (n: number) => n * DAY_US],
    ['hardly, after a clock that was ahead', (n: number) => 1_000 * DAY_US + n],
  ])('ends a part after 30 days, so that a quiet server forgets as well: ids rise %s', (_, idOf) => {
    const { index, file } = open();
    const rows = [1, 29, 30, 31, 62, 63].map((n) => ({
      id: idOf(n),
      at: (n * DAY_US) / 1_000,
      conversation: 1,
      text: `tea day${n}`,
    }));
    fill(index, rows, 1);
    expect(index.remove(idOf(62))).toEqual({ type: 'removed', isDone: false });
    expect(index.remove(idOf(62))).toEqual({ type: 'removed', isDone: true });
    expect(findAll(index, { query: 'tea', intervals: whole(1) })).toEqual([idOf(63), idOf(62)]);
    index.close();
    const db = new DatabaseSync(file, { readOnly: true });
    expect(db.prepare('SELECT part FROM parts').all()).toHaveLength(1);
    db.close();
  });
});
