/** The prompt: the user, the current conversation, and the connection status. */

import type { State } from '../session/session.ts';

/** `alice #tea> `, or `alice #tea (offline, next try in 4 s)> `. `now` uses the clock of the state. */
export function formatPrompt(user: string, current: string | null, state: State, now: number): string {
  const who = current === null ? user : `${user} ${current}`;
  return `${who}${formatStatus(state, now)}> `;
}

function formatStatus(state: State, now: number): string {
  switch (state.type) {
    case 'online':
      return '';
    case 'connecting':
      return ' (connecting)';
    case 'waiting':
      return ` (offline, next try in ${Math.max(0, Math.ceil((state.until - now) / 1_000))} s)`;
    case 'outside':
    case 'over':
      return ' (offline)';
    default:
      return state satisfies never;
  }
}
