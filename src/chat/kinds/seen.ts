/** What an account has been shown. */

import { type ChatState, type Decision, one } from '../state.ts';

/** The account has been shown everything up to `id`. */
export interface SeenIntent {
  readonly kind: 'seen';
  readonly account: number;
  readonly id: number;
}

export function decideSeen(_: ChatState, { account, id }: SeenIntent): Decision {
  return one({ kind: 'marked', account, id });
}
