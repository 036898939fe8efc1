/** Marks of what accounts have seen. */

import { type ChatState, type Decision, singleChange } from '../state.ts';

/** The person behind the account has seen everything up to `id`. */
export interface SeenIntent {
  readonly kind: 'seen';
  readonly account: number;
  readonly id: number;
}

export function decideSeen(_: ChatState, { account, id }: SeenIntent): Decision {
  return singleChange({ kind: 'marked', account, id });
}
