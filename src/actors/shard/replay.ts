/**
 * Brings a session up to date: what it missed is read from the archive, page by page, at the pace at which the
 * client takes it; the registry has the last piece in memory, and sends it in the very turn in which the session
 * begins to get what is routed. So there is no gap and no repeat between the two, however much arrives meanwhile.
 */

import type { FarewellCode } from '../../protocol/vocabulary.ts';
import type { ReplayAnswer } from '../archive/archive-api.ts';
import type { Connection } from './connection.ts';
import type { Services } from './services.ts';

/**
 * The last piece, which goes to the client at once: it may be this long, and doubles each time that so much has
 * arrived meanwhile, up to half of what may wait for a client. So a session becomes live also where much is said.
 */
const LAST_PIECE_BYTES = 32 * 1_024;
/** Between two pages of a session: who has missed much does not take the processor from those who chat. */
export const PAGE_PAUSE_MS = 10;
/** How long a client may take for one page before it counts as one that does not read. */
const PAGE_TIMEOUT_MS = 60_000;
const ARCHIVE_TIMEOUT_MS = 10_000;
/** How long the archive may be away, and how often it is looked for. */
const ABSENCE_MS = 15_000;
const RETRY_MS = 100;

/** Resolves when the session is live, or has ended; with a code if it cannot be brought up to date. */
export async function replay(
  session: Connection,
  services: Services,
  start: number,
): Promise<FarewellCode | undefined> {
  let cursor = start;
  const most = services.outboxLimit / 2;
  for (let bytes = LAST_PIECE_BYTES; ; bytes = Math.min(2 * bytes, most)) {
    const settled = await services.ask(session, 0, ['live', services.number(), session.id, cursor, bytes]);
    if (settled.type === 'live' || session.isClosing) return undefined;
    if (settled.type !== 'behind') return 'failed';
    for (let isLast = false; !isLast; ) {
      const page = await readPage(session, services, cursor);
      if (session.isClosing) return undefined;
      if (page === undefined) return 'failed';
      const { buffer, byteOffset, byteLength } = page.frames;
      if (byteLength > 0) session.push(Buffer.from(buffer, byteOffset, byteLength));
      cursor = page.through;
      isLast = page.isLast;
      if (!(await session.drained(PAGE_TIMEOUT_MS))) return 'too_slow';
      if (!isLast) await new Promise((resolve) => setTimeout(resolve, PAGE_PAUSE_MS));
    }
  }
}

/** Undefined when the archive stays away. */
async function readPage(
  session: Connection,
  services: Services,
  cursor: number,
): Promise<Extract<ReplayAnswer, { type: 'page' }> | undefined> {
  const deadline = performance.now() + ABSENCE_MS;
  while (performance.now() < deadline && !session.isClosing) {
    const { account } = session;
    const outcome = await services.archive.call((api) => api.replay(account, cursor), ARCHIVE_TIMEOUT_MS);
    if (outcome.type === 'answered' && outcome.value.type === 'page') return outcome.value;
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
  return undefined;
}
