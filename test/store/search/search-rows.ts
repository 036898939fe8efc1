/** Messages for tests of the search index, and what should be found in them, computed without an index. */

import type { IndexRow, Interval } from '../../../src/store/archive-store.ts';
import { parseQuery, type Term, toMatch } from '../../../src/store/search/query.ts';
import type { SearchIndex } from '../../../src/store/search/search-index.ts';
import { snippet } from '../../../src/store/search/snippet.ts';
import { startRandom } from '../../support/random.ts';

export const WORDS = ['tea', 'teapot', 'the', 'then', 'and', 'milk', 'sugar', 'no', 'yes', 'cup', 'rare'];
export const ALL = Number.MAX_SAFE_INTEGER;

/** Messages of 1 to 8 words, the first of the list frequent and the last rare. The same for the same seed. */
export function makeRows(count: number, conversations: number, seed = 1): IndexRow[] {
  const pick = startRandom(seed);
  let id = 1_000_000;
  return Array.from({ length: count }, () => {
    id += 1 + pick(5_000);
    const words = Array.from({ length: 1 + pick(8) }, () => WORDS[pick(1 + pick(WORDS.length))] ?? '');
    return {
      id,
      at: Math.floor(id / 1_000),
      conversation: 1 + pick(conversations),
      text: words.join(' '),
    };
  });
}

export function fill(index: SearchIndex, rows: readonly IndexRow[], step = 500): void {
  for (let start = 0; start < rows.length; start += step) {
    const some = rows.slice(start, start + step);
    const outcome = index.add(some, some.at(-1)?.id ?? 0);
    if (outcome.type !== 'added') throw new Error(outcome.type);
  }
}

export function whole(...conversations: number[]): Interval[] {
  return conversations.map((conversation) => ({ conversation, from: 0, to: ALL }));
}

export function termsOf(query: string): readonly Term[] {
  const parsed = parseQuery(query);
  if (parsed.type === 'refused') throw new Error(`${query}: ${parsed.text}`);
  return parsed.terms;
}

export interface Asked {
  readonly query: string;
  readonly intervals: readonly Interval[];
  readonly before?: number;
  readonly limit?: number;
  readonly budgetMs?: number;
}

/** Everything the index finds, page by page. */
export function findAll(index: SearchIndex, asked: Asked): number[] {
  const { query, intervals, before = ALL, limit = 500, budgetMs = 1_000 } = asked;
  const match = toMatch(termsOf(query));
  const ids: number[] = [];
  let next: number | null = before;
  while (next !== null) {
    const page = index.find({ match, intervals, before: next, limit, budgetMs });
    if (page.type !== 'found') throw new Error(page.type);
    if (page.ids.length > limit) throw new Error('a page is too long');
    if (page.next !== null && page.next >= next) throw new Error('a search must go on');
    ids.push(...page.ids);
    next = page.next;
  }
  return ids;
}

/** Everything that should be found, newest first. */
export function expected(rows: readonly IndexRow[], { query, intervals, before = ALL }: Asked): number[] {
  const terms = termsOf(query);
  return rows
    .filter(({ id, conversation, text }) => {
      const isSeen = intervals.some((i) => i.conversation === conversation && i.from <= id && id <= i.to);
      return isSeen && id < before && terms.every((term) => snippet(text, [term]).length > 1);
    })
    .map(({ id }) => id)
    .reverse();
}
