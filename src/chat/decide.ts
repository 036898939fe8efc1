/**
 * Decides intents: the one place that says who may do what. Pure and deterministic: no clock, no randomness, and no
 * order that comes from elsewhere, because every node that reads the log must come to the same result.
 */

import type { Intent } from './intent.ts';
import { INTENTS } from './kinds/table.ts';
import type { ChatState, Decision } from './state.ts';

type Deciders = {
  readonly [Kind in Intent['kind']]: (state: ChatState, intent: Extract<Intent, { kind: Kind }>) => Decision;
};

const DECIDERS: Deciders = INTENTS;

/** `state`: as the earlier intents of the same batch left it. */
export function decide<Kind extends Intent['kind']>(
  state: ChatState,
  intent: Extract<Intent, { kind: Kind }>,
): Decision {
  const kind: Kind = intent.kind;
  return DECIDERS[kind](state, intent);
}
