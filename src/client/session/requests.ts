/** Requests without an answer, by their ids. Each is settled once: by its answer, or by the loss of the connection. */

import type { ServerAnswer } from '../reader/server-frame.ts';

export type Response =
  | { readonly type: 'ok'; readonly result: unknown }
  | { readonly type: 'error'; readonly code: string; readonly text: string }
  /** The connection was lost: it is not known whether the request was carried out. */
  | { readonly type: 'lost' };

interface Waiting {
  readonly at: number;
  settle(response: Response): void;
}

export class Requests {
  /** Ids are never used twice, so an answer cannot be taken for that of an earlier connection. */
  #lastId = 0;
  readonly #waiting = new Map<number, Waiting>();

  nextId(): number {
    this.#lastId += 1;
    return this.#lastId;
  }

  /** When the request was made that has waited longest; undefined if none waits. In the clock of `expect`. */
  get askedAt(): number | undefined {
    for (const { at } of this.#waiting.values()) return at;
    return undefined;
  }

  expect(requestId: number, now: number, settle: (response: Response) => void): void {
    this.#waiting.set(requestId, { at: now, settle });
  }

  /** Answers to what nobody waits for any more are passed over. */
  answer(answer: ServerAnswer): void {
    if (answer.requestId === null) return;
    const waiting = this.#waiting.get(answer.requestId);
    this.#waiting.delete(answer.requestId);
    waiting?.settle(answer);
  }

  lose(): void {
    const lost = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { settle } of lost) settle({ type: 'lost' });
  }
}
