/**
 * The archive: reads the log for replay, history and search. It never writes the log. It has a thread of its own, so
 * that routing does not wait for it.
 */

import type { Logger } from 'pino';
import type { Entry } from '../../chat/entry.ts';
import { StorageFailure } from '../../chat/projection.ts';
import { encodeFrame } from '../../protocol/codec.ts';
import type { ArgumentsOf, Request, VerbOf } from '../../protocol/verbs.ts';
import {
  type Answer,
  type HistoryMessage,
  type HistoryPage,
  LIMITS,
  type SearchHit,
  type SearchPage,
} from '../../protocol/vocabulary.ts';
import type { ArchiveStore, Interval } from '../../store/archive-store.ts';
import { parseQuery, type Term, toMatch } from '../../store/search/query.ts';
import type { SearchIndex } from '../../store/search/search-index.ts';
import { snippet as makeSnippet } from '../../store/search/snippet.ts';
import { eventFrame } from '../link/event-frame.ts';
import type { ArchiveApi, PastAnswer, Refused, ReplayAnswer } from './archive-api.ts';
import type { Indexer } from './indexer.ts';

/** One page of a replay: an outbox takes it without coming near its limit. */
const REPLAY_ENTRIES = 500;
const REPLAY_BYTES = 32 * 1_024;
/** Leaves room in a frame for one more message of the maximum size. */
const PAGE_BYTES = LIMITS.frame - LIMITS.text - 4_096;
/** Messages per page if the request does not say. */
const DEFAULT_LIMIT = 50;
/** The numbers and the framing of one hit. */
const HIT_BYTES = 40;
/** How long one step of a search may take, and the whole search. */
const STEP_MS = 10;
const SEARCH_MS = 2_000;
/** Indexing steps before a search, so that it finds the latest messages. */
const CATCH_UP_STEPS = 4;

export interface ArchiveParts {
  readonly store: ArchiveStore;
  readonly index: SearchIndex;
  readonly indexer: Indexer;
  readonly logger: Logger;
}

type ArchiveVerb = VerbOf<'archive'>;

/** How the archive answers each of its verbs: with a page, which is the result, or with a refusal. */
type Answers = {
  readonly [V in ArchiveVerb]: (
    parts: ArchiveParts,
    account: number,
    values: ArgumentsOf<V>,
  ) => Page | Refused | Promise<Page | Refused>;
};
type Page = { readonly type: 'page'; readonly page: unknown };

const ANSWERS: Answers = { history, search };

export interface Readings {
  readonly answers: ArchiveApi;
  /** Requests received so far. */
  readonly requests: number;
}

export function archive(parts: ArchiveParts): Readings {
  const { store, logger } = parts;
  let requests = 0;
  const answers: ArchiveApi = {
    replay: (account, after) => guard(() => replay(store, account, after)),
    answer: (account, request) => guard(() => answer(parts, account, request)),
  };
  return {
    answers,
    get requests() {
      return requests;
    },
  };

  /**
   * A disk that cannot be read now may work again later, so a read error does not end the thread. Each request waits
   * for a turn of the event loop: otherwise a client that asks again after every answer would keep the port busy and
   * starve timers and the watchdog.
   */
  async function guard<Answer>(read: () => Answer | Promise<Answer>): Promise<Answer | Refused> {
    requests += 1;
    await new Promise(setImmediate);
    try {
      return await read();
    } catch (err) {
      if (!(err instanceof StorageFailure)) throw err;
      logger.error({ event: 'archive.failed', err }, 'the archive could not be read');
      return { type: 'refused', code: 'unavailable' };
    }
  }
}

async function replay(store: ArchiveStore, account: number, after: number): Promise<ReplayAnswer> {
  const { entries, through, isLast } = await store.replay(account, after, REPLAY_ENTRIES, REPLAY_BYTES);
  const frames = Buffer.concat(entries.map((entry) => eventFrame(entry, account)));
  return { type: 'page', frames, through, isLast };
}

async function answer<V extends ArchiveVerb>(
  parts: ArchiveParts,
  account: number,
  { verb, id, values }: Request<V>,
): Promise<PastAnswer> {
  const answered = await ANSWERS[verb](parts, account, values);
  if (answered.type === 'refused') return answered;
  return { type: 'page', frame: encodeFrame(['ok', id, answered.page] satisfies Answer) };
}

async function history(
  { store }: ArchiveParts,
  account: number,
  [name, before, limit]: ArgumentsOf<'history'>,
): Promise<Page | Refused> {
  const found = await store.find(account, name);
  if (found.type === 'refused') return found;
  const { messages, isLast } = await store.history(
    found.intervals,
    before ?? Number.MAX_SAFE_INTEGER,
    limit ?? DEFAULT_LIMIT,
    PAGE_BYTES,
  );
  const oldest = messages.at(-1);
  const page: HistoryPage = [messages.flatMap(toHistory), isLast ? null : (oldest?.id ?? null)];
  return { type: 'page', page };
}

/** Works in steps, and yields between them. What could not be searched in time is left for the next page. */
async function search(
  { store, index, indexer }: ArchiveParts,
  account: number,
  [query, name, before, most]: ArgumentsOf<'search'>,
): Promise<Page | Refused> {
  const limit = most ?? DEFAULT_LIMIT;
  const parsed = parseQuery(query);
  if (parsed.type === 'refused') return { type: 'refused', code: 'bad_query', text: parsed.text };
  const where = name == null ? undefined : await store.find(account, name);
  if (where?.type === 'refused') return where;
  const isComplete = indexer.hasUpTo(await store.lastId, CATCH_UP_STEPS);
  const intervals = where?.intervals ?? (await store.intervals(account));
  const match = toMatch(parsed.terms);
  const deadline = performance.now() + SEARCH_MS;
  const ids: number[] = [];
  let next: number | null = before ?? Number.MAX_SAFE_INTEGER;
  while (next !== null && ids.length < limit) {
    const found = index.find({
      match,
      intervals,
      before: next,
      limit: limit - ids.length,
      budgetMs: STEP_MS,
    });
    if (found.type !== 'found') return { type: 'refused', code: 'unavailable' };
    ids.push(...found.ids);
    next = found.next;
    if (performance.now() >= deadline) break;
    await new Promise(setImmediate);
  }
  // A damaged index may return wrong ids, so the log alone decides what the account may see.
  const entries = (await store.read(ids)).filter((entry) => isVisible(entry, account, intervals));
  const hits = entries.reverse().flatMap((entry) => toHit(entry, parsed.terms));
  return { type: 'page', page: cutPage(hits, next, isComplete) };
}

/** As many hits as fit into a frame. */
function cutPage(hits: readonly SearchHit[], next: number | null, isComplete: boolean): SearchPage {
  let size = 0;
  const end = hits.findIndex(([, , from, to, snippet]) => {
    size += HIT_BYTES + from.length + to.length;
    for (const piece of snippet) size += Buffer.byteLength(piece) + 3;
    return size > PAGE_BYTES;
  });
  if (end === -1) return [hits, next, isComplete];
  const kept = hits.slice(0, end);
  return [kept, kept.at(-1)?.[0] ?? null, isComplete];
}

function isVisible(entry: Entry, account: number, intervals: readonly Interval[]): boolean {
  if (entry.kind === 'direct') return entry.account === account || entry.peer === account;
  return intervals.some(
    ({ conversation, from, to }) => conversation === entry.room && entry.id >= from && entry.id <= to,
  );
}

/** Empty if the entry contains no match. */
function toHit(entry: Entry, terms: readonly Term[]): SearchHit[] {
  return toHistory(entry).flatMap(([id, at, from, to, text]): SearchHit[] => {
    const snippet = makeSnippet(text, terms);
    return snippet.length > 1 ? [[id, at, from, to, snippet]] : [];
  });
}

function toHistory(entry: Entry): HistoryMessage[] {
  switch (entry.kind) {
    case 'message':
      return [[entry.id, entry.at, entry.user, entry.roomName, entry.text]];
    case 'direct':
      return [[entry.id, entry.at, entry.user, entry.peerName, entry.text]];
    case 'joined':
    case 'left':
      return [];
    default:
      return entry satisfies never;
  }
}
