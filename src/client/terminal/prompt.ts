/** What stands before the line that is typed: who, where to, and how the connection is. */

import type { State } from '../session/session.ts';

/** `alice #tea> `, or `alice #tea (offline, next try in 4 s)> `. `now` is in the clock of the state. */
export function promptOf(user: string, current: string | null, state: State, now: number): string {
  const who = current === null ? user : `${user} ${current}`;
  return `${who}${connectionOf(state, now)}> `;
}

function connectionOf(state: State, now: number): string {
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
