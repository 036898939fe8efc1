/** Asks the archive: a page comes as the finished frame of the answer, a refusal as the answer. */

import type { Request, VerbOf } from '../../protocol/verbs.ts';
import { type Answer, refusal } from '../../protocol/vocabulary.ts';
import type { Services } from './services.ts';

/** The archive works on at most one other page of each connection first. */
const TIMEOUT_MS = 30_000;

export async function askArchive(
  archive: Services['archive'],
  account: number,
  request: Request<VerbOf<'archive'>>,
): Promise<Answer | Buffer> {
  const outcome = await archive.call((api) => api.answer(account, request), TIMEOUT_MS);
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
