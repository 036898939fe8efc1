/** `/history`: adds earlier messages of a conversation to the display, backwards from the oldest it has. */

import { foldName } from '../../chat/names.ts';
import type { HistoryMessage } from '../../protocol/vocabulary.ts';
import type { DisplayRecord } from '../display/display-record.ts';
import { readHistoryPage } from '../reader/server-frame.ts';
import { type CommandScope, explainFailure, protocolError } from './command-results.ts';
import { done, type Result, refused } from './result.ts';

/** Maximum pages requested per command. Pages are bounded in bytes, and may be short. */
const PAGES_LIMIT = 50;

/** `again`: the command that shows more. Call only after the replay, when it is known what the display has. */
export async function showHistory(
  scope: CommandScope,
  conversation: string,
  count: number,
  again: string,
): Promise<Result> {
  const { session, readerLink } = scope;
  let before = await readerLink.floor(conversation);
  if (before === null)
    return refused('history', 'failed', 'the display does not answer; start the client again');
  const recalled: HistoryMessage[] = [];
  for (let pages = 0; pages < PAGES_LIMIT && recalled.length < count && before !== null; pages += 1) {
    const response = await session.request('history', conversation, before, count - recalled.length);
    if (response.type !== 'ok') return explainFailure('history', response);
    const page = readHistoryPage(response.result, before);
    if (page === undefined) return protocolError(scope, 'history');
    readerLink.show(...page[0].map((message) => recordOf(message, session.user)));
    recalled.push(...page[0]);
    before = page[1];
  }
  const lines = [describe(conversation, recalled.length, before !== null, again)];
  const messages = recalled.reverse().map(([id, at, from, to, text]) => ({ id, at, from, to, text }));
  return done('history', lines, { with: conversation, messages, more: before !== null });
}

function recordOf([id, at, from, to, text]: HistoryMessage, user: string): DisplayRecord {
  return { type: 'message', id, at, from, to, text, own: foldName(from) === foldName(user) };
}

function describe(conversation: string, count: number, hasMore: boolean, again: string): string {
  const messages = count === 1 ? '1 earlier message' : `${count} earlier messages`;
  if (hasMore) return `added ${messages} of ${conversation} to the display; for more, type ${again}`;
  if (count === 0) return `the display already shows all of ${conversation} that you can see`;
  return `added ${messages} of ${conversation} to the display; there are no earlier ones that you can see`;
}
