/**
 * One turn of the registry: the intents of its batch, and what this node does when they have been decided. Only the intents
 * leave the node.
 */

import type { Outcome } from '../../chat/fold.ts';
import type { Intent } from '../../chat/intent.ts';
import type { RefusalCode } from '../../protocol/vocabulary.ts';

/** Takes the outcome of an intent once it is on disk, or why it is not stored. */
export type Settle = (outcome: Outcome | RefusalCode) => void;

interface Query {
  /** How many intents of the batch come before it. */
  readonly index: number;
  /** Looks at the state, and returns how to answer. */
  readonly look: () => () => void;
}

export class Turn {
  readonly intents: Intent[] = [];
  readonly #settles = new Map<Intent, Settle>();
  readonly #queries: Query[] = [];
  readonly #afterwards: Array<() => void> = [];
  #answers: Array<() => void> = [];
  #looked = 0;

  get isEmpty(): boolean {
    return this.intents.length + this.#queries.length + this.#afterwards.length === 0;
  }

  /** Adds an intent to the batch. Without `settle`, the entries that come of it are the answer. */
  ask(intent: Intent, settle?: Settle): void {
    this.intents.push(intent);
    if (settle !== undefined) this.#settles.set(intent, settle);
  }

  /**
   * Adds a question about the state after the intents so far. It is answered when these are on disk, so nobody learns of
   * something that may still be undone.
   */
  query(look: () => () => void): void {
    this.#queries.push({ index: this.intents.length, look });
  }

  /** Adds something to do when the whole batch is on disk and has been routed, or has failed. */
  afterwards(act: () => void): void {
    this.#afterwards.push(act);
  }

  settleOf(intent: Intent): Settle | undefined {
    return this.#settles.get(intent);
  }

  /** Looks at the state for the questions that come after this many intents. */
  lookAt(index: number): void {
    for (;;) {
      const query = this.#queries[this.#looked];
      if (query === undefined || query.index > index) return;
      this.#looked += 1;
      this.#answers.push(query.look());
    }
  }

  /** Discards what was seen, because the batch could not be stored and has been undone. */
  lookAgain(): void {
    this.#looked = 0;
    this.#answers = [];
  }

  /** Answers the questions, then does what comes afterwards. */
  finish(): void {
    this.lookAt(this.intents.length);
    for (const answer of this.#answers) answer();
    for (const act of this.#afterwards) act();
  }
}
