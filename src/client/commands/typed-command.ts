/** What a typed line asks for, checked. */

/**
 * What is to be carried out: a line as it was typed, or the text of a message as it is. `to` is `#room` or `@person`.
 */
export type Input = string | { readonly to: string; readonly text: string };

/**
 * The types double as names of answers on `--json`. A conversation is `#room`, `@person`, or a name as it was typed,
 * which may mean either: see `conversation.ts`.
 */
export type Plan =
  | { readonly type: 'send'; readonly to: string; readonly text: string }
  | { readonly type: 'join'; readonly room: string }
  | { readonly type: 'leave'; readonly room: string }
  | { readonly type: 'who'; readonly room: string | null }
  | { readonly type: 'rooms' }
  | { readonly type: 'history'; readonly conversation: string; readonly count: number }
  /** Without a query: what comes behind the hits of the last search. */
  | { readonly type: 'search'; readonly query: string | null; readonly conversation: string | null }
  | { readonly type: 'to'; readonly conversation: string }
  | { readonly type: 'help'; readonly topic: string | null }
  | { readonly type: 'password' }
  | { readonly type: 'open' }
  | { readonly type: 'quit' }
  | { readonly type: 'wait'; readonly seconds: number }
  | { readonly type: 'wait-for'; readonly text: string; readonly seconds: number };

/** Plans that are one request to the server; the others are carried out by the client. */
export type RemotePlan = Extract<Plan, { type: 'send' | 'join' | 'leave' | 'who' | 'rooms' }>;
export type LocalPlan = Exclude<Plan, RemotePlan>;

export type Refused = { readonly type: 'refused'; readonly of: string; readonly text: string };

/** What a line is read against. */
export interface Context {
  /** The conversation that plain text goes to: `#room` or `@person`. */
  readonly current: string | null;
  /** True when lines come from a script and not from a person at a terminal. */
  readonly isScript: boolean;
}
