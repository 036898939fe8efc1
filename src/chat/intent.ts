/**
 * Intents: changes that an account, or the server itself, asks for. They are plain data. Batches of intents go into the log,
 * and every fold that reads the log decides them in the same order with the same result (`decide.ts`). `kinds/table.ts`
 * lists the kinds.
 *
 * An intent identifies its account by id and name, and both must match. Ids are never reused, so an intent of an account
 * that has ended is refused, even if another account has its name by then.
 */

import type { INTENTS } from './kinds/table.ts';

/** The command that an intent came from: the run of the shard's thread, and the command's number there. */
export interface Origin {
  readonly shard: number;
  readonly number: number;
}

/** The fields of an intent that an account asks for. */
export interface AccountIntent {
  readonly account: number;
  readonly user: string;
  /** Null if the server itself asks. */
  readonly origin: Origin | null;
}

export type Intent = Parameters<(typeof INTENTS)[keyof typeof INTENTS]>[1];

/** The intents of one turn of a writer. They are decided in order, and stored together or not at all. */
export interface Batch {
  /** Identifies one run of one node. Never reused. */
  readonly writer: string;
  /** The number of the batch among those of its writer. */
  readonly number: number;
  readonly intents: readonly Intent[];
}
