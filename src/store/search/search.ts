/** One search, from part to part of the index, newest first. */

import type { Interval } from '../archive-store.ts';
import type { SearchDb } from './search-db.ts';
import { conversationWord, type SearchPart } from './search-part.ts';

export interface Search {
  /** From `toMatch`. */
  readonly match: string;
  /** What may be found. */
  readonly intervals: readonly Interval[];
  /** Only smaller ids are found. */
  readonly before: number;
  /** At least 1. */
  readonly limit: number;
  /**
   * After this many milliseconds the search stops where it is. It makes at least one step (a thousand hits, or a part
   * with fewer), so that repeated calls reach the end even with 0.
   */
  readonly budgetMs: number;
}

export interface Found {
  readonly type: 'found';
  /** Newest first. */
  readonly ids: readonly number[];
  /** The `before` with which to continue; null when the whole index has been searched. */
  readonly next: number | null;
}

/**
 * The most conversations of a part that FTS5 intersects, at 20 µs each, even for a word that nobody uses. With more it
 * is faster to examine all messages with the words, at 1 µs each, until there are enough.
 */
const MAX_INTERSECTED = 16;

/**
 * Hits between two checks of the clock: about 1 ms. A part abandoned midway is searched again from its start, so it
 * must be worth it.
 */
const STEP_HITS = 1_024;

export function searchParts({ parts, floor }: SearchDb, search: Search): Found {
  const { match, intervals, before, limit } = search;
  const deadline = performance.now() + search.budgetMs;
  const ids: number[] = [];
  let next: number | null = null;
  for (const part of parts.toReversed()) {
    if (part.lastId < floor) break;
    if (part.firstId >= before) continue;
    if (next !== null && performance.now() >= deadline) return { type: 'found', ids, next };
    next = part.firstId;
    const visible = visibleIntervals(part, intervals);
    if (visible.size === 0) continue;
    let examined = 0;
    for (const { id, conversation } of part.find(narrowed(match, visible), before)) {
      if (id < floor) break;
      examined += 1;
      if (visible.get(conversation)?.some(({ from, to }) => id >= from && id <= to)) ids.push(id);
      const isLate = examined % STEP_HITS === 0 && performance.now() >= deadline;
      if (ids.length >= limit || isLate) return { type: 'found', ids, next: id };
    }
  }
  return { type: 'found', ids, next: null };
}

/** The intervals that overlap the part, by conversation. */
function visibleIntervals(
  { firstId, lastId }: SearchPart,
  intervals: readonly Interval[],
): Map<number, Interval[]> {
  const sights = new Map<number, Interval[]>();
  for (const interval of intervals) {
    if (interval.to < firstId || interval.from > lastId) continue;
    const others = sights.get(interval.conversation);
    if (others === undefined) sights.set(interval.conversation, [interval]);
    else others.push(interval);
  }
  return sights;
}

/** Limits the expression to few conversations. */
function narrowed(match: string, sights: ReadonlyMap<number, unknown>): string {
  if (sights.size > MAX_INTERSECTED) return match;
  return `${match} AND {conversation} : (${Array.from(sights.keys(), conversationWord).join(' OR ')})`;
}
