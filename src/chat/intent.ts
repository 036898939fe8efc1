/**
 * What somebody asks the chat for. Intents are plain data: a batch of them goes into the log, and every fold that reads the
 * log decides them in the same order, with the same result (`decide.ts`).
 *
 * People are named by account id and name. Both must fit: ids are never reused, so an intent of an account that has
 * ended is refused even if somebody else has its name by now.
 */

/** The unanswered command that an intent came from: which run of which shard, and its number there. */
export interface Origin {
  readonly shard: number;
  readonly number: number;
}

interface Asked {
  readonly account: number;
  readonly user: string;
  /** Null for what the server asks for by itself. */
  readonly origin: Origin | null;
}

/** A message to a person or to a room. `key` makes it safe to repeat. */
export interface SayIntent extends Asked {
  readonly kind: 'say';
  readonly to: string;
  readonly text: string;
  readonly key: string | null;
}

export interface JoinIntent extends Asked {
  readonly kind: 'join';
  readonly room: string;
}

export interface LeaveIntent extends Asked {
  readonly kind: 'leave';
  readonly room: string;
}

/** Sees to it that there is an account of that name. A guest always gets a new one. */
export interface RegisterIntent {
  readonly kind: 'register';
  readonly name: string;
  readonly guest: boolean;
}

/** Ends an account: it leaves its rooms, and its name is free. */
export interface RetireIntent {
  readonly kind: 'retire';
  readonly account: number;
  readonly user: string;
}

/** The account has been shown everything up to `id`. */
export interface SeenIntent {
  readonly kind: 'seen';
  readonly account: number;
  readonly id: number;
}

export type Intent = SayIntent | JoinIntent | LeaveIntent | RegisterIntent | RetireIntent | SeenIntent;

/** The intents of one turn of one writer. They are decided in order, and stored whole or not at all. */
export interface Batch {
  /** Which run of which node asks; never used again. */
  readonly writer: string;
  /** Counts the batches of a writer. */
  readonly number: number;
  readonly intents: readonly Intent[];
}
