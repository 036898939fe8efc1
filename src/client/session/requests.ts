/** Unanswered requests by id. Each is settled exactly once: by its answer, or by the loss of the connection. */

import type { ServerAnswer } from '../reader/server-frame.ts';

export type Response =
  | { readonly type: 'ok'; readonly result: unknown }
  | { readonly type: 'error'; readonly code: string; readonly text: string }
  /** The connection was lost, so it is unknown whether the request was carried out. */
  | { readonly type: 'lost' };

interface PendingRequest {
  readonly at: number;
  settle(response: Response): void;
}

export class PendingRequests {
  /** Ids are never reused, so a late answer from an earlier connection cannot be mistaken for another request's. */
  #lastId = 0;
  readonly #pending = new Map<number, PendingRequest>();

  nextId(): number {
    this.#lastId += 1;
    return this.#lastId;
  }

  /** When the oldest unanswered request was sent, in the clock passed to `expect`; undefined if there is none. */
  get oldestRequestAt(): number | undefined {
    for (const { at } of this.#pending.values()) return at;
    return undefined;
  }

  expect(requestId: number, now: number, settle: (response: Response) => void): void {
    this.#pending.set(requestId, { at: now, settle });
  }

  /** Answers to requests that are no longer waiting are ignored. */
  answer(answer: ServerAnswer): void {
    if (answer.requestId === null) return;
    const pending = this.#pending.get(answer.requestId);
    this.#pending.delete(answer.requestId);
    pending?.settle(answer);
  }

  loseAll(): void {
    const lost = [...this.#pending.values()];
    this.#pending.clear();
    for (const { settle } of lost) settle({ type: 'lost' });
  }
}
