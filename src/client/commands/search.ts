/** `/search`: finds messages by their words, newest first, one page at a time. */

import { foldName } from '../../chat/names.ts';
import type { SearchHit } from '../../protocol/vocabulary.ts';
import { readSearchPage } from '../reader/server-frame.ts';
import { formatDate, toDate } from '../terminal/local-time.ts';
import type { AnswerLine } from './answer-line.ts';
import { type CommandScope, explainFailure, protocolError } from './command-results.ts';
import { done, type Result } from './result.ts';

/** What fits on a screen. */
const PAGE = 20;

export interface Search {
  readonly query: string;
  /** A room or a user; null for all. */
  readonly conversation: string | null;
  /** Continue below this id; null for the first page. */
  readonly before: number | null;
}

export interface SearchOutcome {
  readonly result: Result;
  /** The search for the next page, or for another attempt; undefined if that was all. */
  readonly next: Search | undefined;
}

export async function search(scope: CommandScope, wanted: Search): Promise<SearchOutcome> {
  const { query, conversation, before } = wanted;
  const response = await scope.session.request('search', query, conversation, before, PAGE);
  if (response.type !== 'ok') return { result: explainFailure('search', response), next: wanted };
  const page = readSearchPage(response.result, before);
  if (page === undefined) return { result: protocolError(scope, 'search'), next: wanted };
  const [found, next, isComplete] = page;
  const hits = found.map(([id, at, from, to, snippet]) => ({ id, at, from, to, snippet }));
  const lines: AnswerLine[] = found.map((hit) => describe(hit, scope.session.user));
  if (next !== null) lines.push('there may be more; type /search to continue');
  else if (lines.length === 0) lines.push(before === null ? 'nothing found' : 'nothing more found');
  if (!isComplete) lines.push('the server is still indexing old messages; search again later to find all');
  return {
    result: done('search', lines, {
      query,
      in: conversation,
      hits,
      more: next !== null,
      complete: isComplete,
    }),
    next: next === null ? undefined : { ...wanted, before: next },
  };
}

function describe([, at, from, to, snippet]: SearchHit, user: string): AnswerLine {
  const isOwn = foldName(from) === foldName(user);
  const addressee = foldName(to) === foldName(user) ? 'you' : to;
  return {
    lead: `${formatDate(toDate(at))}  ${isOwn ? 'you' : from} to ${addressee}: `,
    snippet,
  };
}
