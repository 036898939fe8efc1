/**
 * What somebody asks the chat for. Intents are plain data: a batch of them goes into the log, and every fold that reads the
 * log decides them in the same order, with the same result (`decide.ts`). `kinds/table.ts` lists the kinds.
 *
 * An intent names its account by id and name, and both must match: ids are never reused, so an intent of an account that has
 * ended is refused even if somebody else has its name by now.
 */

import type { INTENTS } from './kinds/table.ts';

/** The unanswered command that an intent came from: which run of which shard, and the command's number there. */
export interface Origin {
  readonly shard: number;
  readonly number: number;
}

/** What all intents of an account have in common. */
export interface Asked {
  readonly account: number;
  readonly user: string;
  /** Null for what the server does by itself. */
  readonly origin: Origin | null;
}

export type Intent = Parameters<(typeof INTENTS)[keyof typeof INTENTS]>[1];

/** The intents of one turn of one writer. They are decided in order, and stored whole or not at all. */
export interface Batch {
  /** Names one run of one node; never used again. */
  readonly writer: string;
  /** Counts the batches of a writer. */
  readonly number: number;
  readonly intents: readonly Intent[];
}
