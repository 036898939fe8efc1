/**
 * Which entries an account may see. Routing, replay, history and search follow one rule:
 *
 * - An account sees the entries of a room from each of its joins to the next of its leaves, both included.
 * - An account sees the messages between itself and another account.
 *
 * The rule compares ids of accounts, which are never reused, so a new account with an old name inherits nothing. The view
 * `visible` of `chat.db` (`src/store/sqlite/schema.ts`) expresses the same rule in SQL.
 */

import type { Entry } from './entry.ts';

/**
 * The entries that the account may see. `entries`: the newest of the log, oldest first. `rooms`: the ids of the account's
 * rooms after the last of them.
 */
export function visibleTo(account: number, rooms: Iterable<number>, entries: readonly Entry[]): Entry[] {
  const within = new Set(rooms);
  const visible: Entry[] = [];
  // Goes back from the present: before its join the account was not a member, and before its leave it was.
  for (const entry of entries.toReversed()) {
    if (entry.kind === 'left' && entry.account === account) within.add(entry.room);
    if (sees(account, within, entry)) visible.push(entry);
    if (entry.kind === 'joined' && entry.account === account) within.delete(entry.room);
  }
  return visible.reverse();
}

function sees(account: number, within: ReadonlySet<number>, entry: Entry): boolean {
  return 'peer' in entry ? entry.account === account || entry.peer === account : within.has(entry.room);
}
