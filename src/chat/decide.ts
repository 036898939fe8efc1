/**
 * Decides intents: the one place that says who may do what. Pure and deterministic: no clock, no randomness, and no
 * order that comes from elsewhere, because every node that reads the log must come to the same result.
 */

import type { Intent } from './intent.ts';
import { decideRegister, decideRetire } from './kinds/accounts.ts';
import { decideJoin, decideLeave } from './kinds/membership.ts';
import { decideSay } from './kinds/say.ts';
import { type ChatState, type Decision, one } from './state.ts';

type Deciders = {
  readonly [Kind in Intent['kind']]: (state: ChatState, intent: Extract<Intent, { kind: Kind }>) => Decision;
};

/** One line for each kind of intent. */
const DECIDERS: Deciders = {
  say: decideSay,
  join: decideJoin,
  leave: decideLeave,
  register: decideRegister,
  retire: decideRetire,
  seen: (_, { account, id }) => one({ kind: 'marked', account, id }),
};

/** `state`: as the earlier intents of the same batch left it. */
export function decide<Kind extends Intent['kind']>(
  state: ChatState,
  intent: Extract<Intent, { kind: Kind }>,
): Decision {
  const kind: Kind = intent.kind;
  return DECIDERS[kind](state, intent);
}
