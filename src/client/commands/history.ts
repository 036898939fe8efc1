/** `/history`: earlier messages of a conversation, into the display, from what it has there backwards. */

import { foldName } from '../../chat/names.ts';
import type { PastMessage } from '../../protocol/vocabulary.ts';
import type { DisplayRecord } from '../display/display-record.ts';
import { readHistoryPage } from '../reader/server-frame.ts';
import { type Asker, distrust, explainFailure } from './command-results.ts';
import { done, type Result, refused } from './result.ts';

/** Pages that one command asks for; they are bounded in bytes, and may be short. */
const PAGES_LIMIT = 50;

/** `again`: what to type for more. Call only after the replay, when it is known what the display has. */
export async function recall(
  asker: Asker,
  conversation: string,
  count: number,
  again: string,
): Promise<Result> {
  const { session, readerLink } = asker;
  let before = await readerLink.floor(conversation);
  if (before === null)
    return refused('history', 'failed', 'the display does not answer: start the client again');
  const recalled: PastMessage[] = [];
  for (let pages = 0; pages < PAGES_LIMIT && recalled.length < count && before !== null; pages += 1) {
    const response = await session.request('history', conversation, before, count - recalled.length);
    if (response.type !== 'ok') return explainFailure('history', response);
    const page = readHistoryPage(response.result, before);
    if (page === undefined) return distrust(asker, 'history');
    readerLink.show(...page[0].map((message) => recordOf(message, session.user)));
    recalled.push(...page[0]);
    before = page[1];
  }
  const lines = [describe(conversation, recalled.length, before !== null, again)];
  const messages = recalled.reverse().map(([id, at, from, to, text]) => ({ id, at, from, to, text }));
  return done('history', lines, { with: conversation, messages, more: before !== null });
}

function recordOf([id, at, from, to, text]: PastMessage, user: string): DisplayRecord {
  return { type: 'message', id, at, from, to, text, own: foldName(from) === foldName(user) };
}

function describe(conversation: string, count: number, hasMore: boolean, again: string): string {
  const messages = count === 1 ? '1 earlier message' : `${count} earlier messages`;
  if (hasMore) return `${messages} of ${conversation} in the display; for more type ${again}`;
  if (count === 0) return `the display has all of ${conversation} that you can see`;
  return `${messages} of ${conversation} in the display: that is its beginning, as far as you can see it`;
}
