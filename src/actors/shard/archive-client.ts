/** What an account asks the archive: answered with a page, as the finished frame, or with why there is none. */

import type { HistoryRequest, SearchRequest } from '../../protocol/verbs.ts';
import { type Answer, refusal } from '../../protocol/vocabulary.ts';
import type { PastAnswer } from '../archive/archive-api.ts';
import type { Outcome } from '../kernel/actor.ts';
import type { Services } from './services.ts';

/** Messages in a page, where the request does not say. */
const USUAL_PAGE = 50;
/** A page waits behind at most one other of each connection. */
const TIMEOUT_MS = 30_000;

export class Past {
  readonly #archive: Services['archive'];
  readonly #account: number;

  constructor(archive: Services['archive'], account: number) {
    this.#archive = archive;
    this.#account = account;
  }

  async history(requestId: number, { with: of, before, limit }: HistoryRequest): Promise<Answer | Buffer> {
    const query = { requestId, account: this.#account, with: of, ...pageOf(before, limit) };
    return toAnswer(requestId, await this.#archive.call((api) => api.history(query), TIMEOUT_MS));
  }

  async search(
    requestId: number,
    words: string,
    { with: of, before, limit }: SearchRequest,
  ): Promise<Answer | Buffer> {
    const query = { requestId, account: this.#account, query: words, with: of, ...pageOf(before, limit) };
    return toAnswer(requestId, await this.#archive.call((api) => api.search(query), TIMEOUT_MS));
  }
}

function pageOf(before: number | null, limit: number | null): { before: number; limit: number } {
  return { before: before ?? Number.MAX_SAFE_INTEGER, limit: limit ?? USUAL_PAGE };
}

function toAnswer(requestId: number, outcome: Outcome<PastAnswer>): Answer | Buffer {
  switch (outcome.type) {
    case 'answered': {
      const { value } = outcome;
      if (value.type === 'refused') return refusal(requestId, value.code, value.text);
      const { buffer, byteOffset, byteLength } = value.frame;
      return Buffer.from(buffer, byteOffset, byteLength);
    }
    case 'timed_out':
      return refusal(requestId, 'timed_out');
    case 'gone':
      return refusal(requestId, 'unavailable');
    default:
      return outcome satisfies never;
  }
}
