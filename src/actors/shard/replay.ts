/**
 * Replay: reads the entries that a session missed from the archive, page by page, as fast as the client accepts them. The
 * registry has the last piece in memory, and sends it in the same turn in which the session goes live. So there is no gap
 * and no repeat between replay and live entries, however many are committed meanwhile.
 */

import type { FarewellCode } from '../../protocol/vocabulary.ts';
import type { ReplayAnswer } from '../archive/archive-api.ts';
import type { ArchivePort } from './ports.ts';
import type { Session } from './session.ts';
import type { SessionContext } from './session-context.ts';

/**
 * The first limit of the last piece, which is sent to the client all at once. The limit doubles each time more than that was
 * committed during a page, up to `replayBytes`, so that a session goes live even under heavy traffic.
 */
const LAST_PIECE_BYTES = 32 * 1_024;
/** Pause between two pages of a session. A client that missed much must not take the processor from those who chat. */
export const PAGE_PAUSE_MS = 10;
/** A client that takes longer than this to accept a page is disconnected. */
const PAGE_TIMEOUT_MS = 60_000;
/** How long, and how often, to retry while the archive does not answer. */
const ARCHIVE_TIMEOUT_MS = 15_000;
const RETRY_MS = 100;

/** Resolves when the session is live or has ended. Resolves to a code if the replay failed and the session must end. */
export async function replay(
  session: Session,
  { registry, archive, replayBytes }: Pick<SessionContext, 'registry' | 'archive' | 'replayBytes'>,
  start: number,
): Promise<FarewellCode | undefined> {
  let cursor = start;
  for (let bytes = LAST_PIECE_BYTES; ; bytes = Math.min(2 * bytes, replayBytes)) {
    const answer = await registry.goLive(session, cursor, bytes);
    if (answer.type === 'live' || session.isClosing) return undefined;
    if (answer.type !== 'behind') return 'failed';
    for (let isLast = false; !isLast; ) {
      const page = await readPage(session, archive, cursor);
      if (session.isClosing) return undefined;
      if (page === undefined) return 'failed';
      const { buffer, byteOffset, byteLength } = page.frames;
      if (byteLength > 0) session.client.push(Buffer.from(buffer, byteOffset, byteLength));
      cursor = page.through;
      isLast = page.isLast;
      if (!(await session.client.drained(PAGE_TIMEOUT_MS))) return 'too_slow';
      if (!isLast) await new Promise((resolve) => setTimeout(resolve, PAGE_PAUSE_MS));
    }
  }
}

/** Resolves to undefined if the archive does not answer in time, or the session ends meanwhile. */
async function readPage(
  session: Session,
  archive: ArchivePort,
  cursor: number,
): Promise<Extract<ReplayAnswer, { type: 'page' }> | undefined> {
  const deadline = performance.now() + ARCHIVE_TIMEOUT_MS;
  while (performance.now() < deadline && !session.isClosing) {
    const outcome = await archive.replay(session.account, cursor);
    if (outcome.type === 'answered' && outcome.value.type === 'page') return outcome.value;
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
  return undefined;
}
