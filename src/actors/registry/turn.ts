/**
 * One turn of the registry: the intents of its batch, and what this node does when they have been decided. Only the intents
 * leave the node.
 */

import type { Outcome } from '../../chat/fold.ts';
import type { Intent } from '../../chat/intent.ts';
import type { RefusalCode } from '../../protocol/vocabulary.ts';

/** Receives the outcome of an intent once it is on disk, or the reason why it could not be stored. */
export type OnOutcome = (outcome: Outcome | RefusalCode) => void;

interface Query {
  /** How many intents of the batch come before the query. */
  readonly index: number;
  /** Reads the state, and returns a function that sends the answer. */
  readonly read: () => () => void;
}

export class Turn {
  readonly intents: Intent[] = [];
  readonly #onOutcomes = new Map<Intent, OnOutcome>();
  readonly #queries: Query[] = [];
  readonly #whenDone: Array<() => void> = [];
  #answers: Array<() => void> = [];
  #queriesRun = 0;

  get isEmpty(): boolean {
    return this.intents.length + this.#queries.length + this.#whenDone.length === 0;
  }

  /** Adds an intent to the batch. Without `onOutcome`, the ledger answers its command. */
  addIntent(intent: Intent, onOutcome?: OnOutcome): void {
    this.intents.push(intent);
    if (onOutcome !== undefined) this.#onOutcomes.set(intent, onOutcome);
  }

  /**
   * Adds a query that reads the state after the intents added so far. Its answer is sent once these are on disk, so nobody
   * learns of something that may still be undone.
   */
  addQuery(read: () => () => void): void {
    this.#queries.push({ index: this.intents.length, read });
  }

  /** Adds an action to perform when the whole batch is on disk and routed, or has failed. */
  whenDone(act: () => void): void {
    this.#whenDone.push(act);
  }

  callbackOf(intent: Intent): OnOutcome | undefined {
    return this.#onOutcomes.get(intent);
  }

  /** Runs the queries that come after the first `index` intents. */
  runQueries(index: number): void {
    for (;;) {
      const query = this.#queries[this.#queriesRun];
      if (query === undefined || query.index > index) return;
      this.#queriesRun += 1;
      this.#answers.push(query.read());
    }
  }

  /** Discards the results of all queries, because the batch could not be stored and has been undone. */
  discardAnswers(): void {
    this.#queriesRun = 0;
    this.#answers = [];
  }

  /** Sends the answers to the queries, then performs the actions of `whenDone`. */
  finish(): void {
    this.runQueries(this.intents.length);
    for (const answer of this.#answers) answer();
    for (const act of this.#whenDone) act();
  }
}
