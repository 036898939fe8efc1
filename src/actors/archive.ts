/**
 * The archive: reads the log back for who was away, who looks back, and who searches. It never writes the log; it
 * has a thread of its own, so that routing does not wait for it.
 */

import type { Logger } from 'pino';
import { type Entry, timeOf } from '../chat/entry.ts';
import type { Archive } from '../store/archive.ts';
import { LIMITS, type PastMessage } from '../transport/protocol.ts';
import type { ArchiveApi, HistoryAnswer, HistoryQuery, Refused, ReplayAnswer } from './archive-api.ts';
import { eventFrame, toRouted } from './routed.ts';

/** One page of a replay: what an outbox takes without being near its limit. */
const REPLAY_ENTRIES = 500;
const REPLAY_BYTES = 32 * 1_024;
/** Leaves room in a frame for one more message of the largest size. */
const PAGE_BYTES = LIMITS.frame - LIMITS.text - 4_096;

export function archive(store: Archive, logger: Logger): ArchiveApi {
  return {
    replay: (account, after) => guard(() => replay(store, account, after)),
    history: (query) => guard(() => history(store, query)),
    search: () => ({ type: 'refused', code: 'unavailable' }),
  };

  /** A disk that cannot be read now may be read later: nobody's thread ends because of it. */
  function guard<Answer>(read: () => Answer): Answer | Refused {
    try {
      return read();
    } catch (err) {
      if (!(err instanceof Error && 'errcode' in err)) throw err;
      logger.error({ event: 'archive.failed', err }, 'the archive could not be read');
      return { type: 'refused', code: 'unavailable' };
    }
  }
}

function replay(store: Archive, account: number, after: number): ReplayAnswer {
  const { entries, through, isLast } = store.replay(account, after, REPLAY_ENTRIES, REPLAY_BYTES);
  const frames = Buffer.concat(entries.map((entry) => eventFrame(toRouted(entry, 0), account)));
  return { type: 'page', frames, through, isLast };
}

function history(store: Archive, { account, with: name, before, limit }: HistoryQuery): HistoryAnswer {
  const found = store.find(account, name);
  if (found.type === 'refused') return found;
  const { messages, isLast } = store.history(found.intervals, before, limit, PAGE_BYTES);
  const oldest = messages.at(-1);
  return { type: 'page', page: [messages.flatMap(toPast), isLast ? null : (oldest?.id ?? null)] };
}

function toPast(entry: Entry): PastMessage[] {
  switch (entry.kind) {
    case 'message':
      return [[entry.id, timeOf(entry.id), entry.user, entry.roomName, entry.text]];
    case 'direct':
      return [[entry.id, timeOf(entry.id), entry.user, entry.peerName, entry.text]];
    case 'joined':
    case 'left':
      return [];
    default:
      return entry satisfies never;
  }
}
