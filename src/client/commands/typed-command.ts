/** What a typed line asks for, checked. */

import type { Verb } from '../../protocol/verbs.ts';

/**
 * What is to be carried out: a line as it was typed, or the text of a message as it is. `to` is `#room` or `@person`.
 */
export type Input = string | { readonly to: string; readonly text: string };

/**
 * What a line asks for. The types of all but requests double as names of answers on `--json`. A conversation is `#room`, `@person`,
 * or a name as it was typed, which may mean either: see `conversation.ts`.
 */
export type Plan = SendPlan | RequestPlan | LocalPlan;

export interface SendPlan {
  readonly type: 'send';
  readonly to: string;
  readonly text: string;
}

/** One request to the server. The row of the command concludes its answer. */
export interface RequestPlan {
  readonly type: 'request';
  readonly command: string;
  readonly verb: Verb;
  readonly values: readonly unknown[];
}

/** What the client carries out by itself, perhaps with requests of its own. */
export type LocalPlan =
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

export type Refused = { readonly type: 'refused'; readonly of: string; readonly text: string };

/** What a line is read against. */
export interface Context {
  /** The conversation that plain text goes to: `#room` or `@person`. */
  readonly current: string | null;
  /** True when lines come from a script and not from a person at a terminal. */
  readonly isScript: boolean;
}
