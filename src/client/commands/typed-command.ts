/** The parsed and checked form of a typed line. */

import type { Verb } from '../../protocol/verbs.ts';

/** The input to run: a line as typed, or the text of a message. `to` is `#room` or `@user`. */
export type Input = string | { readonly to: string; readonly text: string };

/**
 * The parsed command. Except for requests, the types are also the names of answers in `--json`. A conversation is
 * `#room`, `@user`, or a name as typed, which may mean either: see `conversation.ts`.
 */
export type Plan = SendPlan | RequestPlan | LocalPlan;

export interface SendPlan {
  readonly type: 'send';
  readonly to: string;
  readonly text: string;
}

/** One request to the server. The command's row interprets its answer. */
export interface RequestPlan {
  readonly type: 'request';
  readonly command: string;
  readonly verb: Verb;
  readonly values: readonly unknown[];
}

/** Carried out by the client itself, possibly with requests of its own. */
export type LocalPlan =
  | { readonly type: 'history'; readonly conversation: string; readonly count: number }
  /** Without a query: the next page of the last search. */
  | { readonly type: 'search'; readonly query: string | null; readonly conversation: string | null }
  | { readonly type: 'to'; readonly conversation: string }
  | { readonly type: 'help'; readonly topic: string | null }
  | { readonly type: 'password' }
  | { readonly type: 'open' }
  | { readonly type: 'quit' }
  | { readonly type: 'wait'; readonly seconds: number }
  | { readonly type: 'wait-for'; readonly text: string; readonly seconds: number };

export type Refused = { readonly type: 'refused'; readonly of: string; readonly text: string };

/** What the meaning of a line depends on. */
export interface Context {
  /** The conversation that plain text is sent to: `#room` or `@user`. */
  readonly current: string | null;
  /** True if lines come from a script rather than from a person at a terminal. */
  readonly isScript: boolean;
}
