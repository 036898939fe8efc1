/** The requests of a session that the archive answers. It answers with a finished frame. */

import type { Request, VerbOf } from '../../protocol/verbs.ts';
import { type Answer, refusal } from '../../protocol/vocabulary.ts';
import type { ArchivePort } from './ports.ts';
import { PAGE_PAUSE_MS } from './replay.ts';
import type { Session } from './session.ts';

export async function handleArchiveRequest(
  session: Session,
  archive: ArchivePort,
  request: Request<VerbOf<'archive'>>,
): Promise<void> {
  // The page must include what this session sent before it asked.
  await session.allAnswered();
  // A client that reads page after page must not take the processor from those who chat.
  const pause = (session.archiveAnsweredAt ?? Number.NEGATIVE_INFINITY) + PAGE_PAUSE_MS - performance.now();
  if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause));
  const answer = await readPage(archive, session.account, request);
  if (Buffer.isBuffer(answer)) session.client.push(answer);
  else session.respond(answer);
  session.archiveAnsweredAt = performance.now();
}

/** Resolves to the frame of the page, or to a refusal. */
async function readPage(
  archive: ArchivePort,
  account: number,
  request: Request<VerbOf<'archive'>>,
): Promise<Answer | Buffer> {
  const outcome = await archive.answer(account, request);
  switch (outcome.type) {
    case 'answered': {
      const { value } = outcome;
      if (value.type === 'refused') return refusal(request.id, value.code, value.text);
      const { buffer, byteOffset, byteLength } = value.frame;
      return Buffer.from(buffer, byteOffset, byteLength);
    }
    case 'timed_out':
      return refusal(request.id, 'timed_out');
    case 'gone':
      return refusal(request.id, 'unavailable');
    default:
      return outcome satisfies never;
  }
}
