/**
 * Decides intents. The rules about who may do what are in `kinds/`. Pure and deterministic: deciding uses no clock, no
 * randomness and no order from outside the log, because every node that reads the log must reach the same decisions.
 */

import type { Intent } from './intent.ts';
import { INTENTS } from './kinds/table.ts';
import type { ChatState, Decision } from './state.ts';

type Deciders = {
  readonly [Kind in Intent['kind']]: (state: ChatState, intent: Extract<Intent, { kind: Kind }>) => Decision;
};

const DECIDERS: Deciders = INTENTS;

/** `state`: the state after all earlier intents, including those of the same batch. */
export function decide<Kind extends Intent['kind']>(
  state: ChatState,
  intent: Extract<Intent, { kind: Kind }>,
): Decision {
  const kind: Kind = intent.kind;
  return DECIDERS[kind](state, intent);
}
