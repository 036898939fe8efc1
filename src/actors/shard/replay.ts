/**
 * Brings a session up to date: reads what it missed from the archive, page by page, at the pace at which the client takes
 * it. The registry has the last piece in memory and sends it in the very turn in which the session begins to get what is
 * routed. So there is no gap and no repeat between the two, however much arrives meanwhile.
 */

import type { FarewellCode } from '../../protocol/vocabulary.ts';
import type { ReplayAnswer } from '../archive/archive-api.ts';
import type { ArchivePort } from './ports.ts';
import type { Session } from './session.ts';
import type { SessionContext } from './session-context.ts';

/**
 * The last piece, which goes to the client at once, may be this long at first. The limit doubles each time that so much has
 * arrived meanwhile, up to what the shard allows, so that a session becomes live even where traffic is heavy.
 */
const LAST_PIECE_BYTES = 32 * 1_024;
/** Between two pages of a session: somebody who has missed much does not take the processor from those who chat. */
export const PAGE_PAUSE_MS = 10;
/** A client that takes longer for one page counts as one that does not read. */
const PAGE_TIMEOUT_MS = 60_000;
/** How long the archive may be away, and how often it is asked. */
const ABSENCE_MS = 15_000;
const RETRY_MS = 100;

/** Resolves when the session is live, or has ended; with a code if it cannot be brought up to date. */
export async function replay(
  session: Session,
  { registry, archive, replayBytes }: Pick<SessionContext, 'registry' | 'archive' | 'replayBytes'>,
  start: number,
): Promise<FarewellCode | undefined> {
  let cursor = start;
  for (let bytes = LAST_PIECE_BYTES; ; bytes = Math.min(2 * bytes, replayBytes)) {
    const settled = await registry.goLive(session, cursor, bytes);
    if (settled.type === 'live' || session.isClosing) return undefined;
    if (settled.type !== 'behind') return 'failed';
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

/** Undefined when the archive stays away. */
async function readPage(
  session: Session,
  archive: ArchivePort,
  cursor: number,
): Promise<Extract<ReplayAnswer, { type: 'page' }> | undefined> {
  const deadline = performance.now() + ABSENCE_MS;
  while (performance.now() < deadline && !session.isClosing) {
    const outcome = await archive.replay(session.account, cursor);
    if (outcome.type === 'answered' && outcome.value.type === 'page') return outcome.value;
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
  return undefined;
}
