/** Asks the archive for a page of the past: it comes as the finished frame of the answer, a refusal as the answer. */

import type { Request, VerbOf } from '../../protocol/verbs.ts';
import { type Answer, refusal } from '../../protocol/vocabulary.ts';
import type { ArchivePort } from './ports.ts';

export async function lookBack(
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
