/**
 * Who may see what. Routing, replay, history and search follow one rule:
 *
 * - An account sees the entries of a room from its own join to its own leave, both included, each time it was in.
 * - An account sees the messages between itself and another account.
 *
 * The rule compares ids, and ids of accounts are never reused, so a new account with an old name inherits nothing. The view
 * `visible` of `chat.db` (`src/store/sqlite/schema.ts`) is the same rule as a table.
 */

import type { Entry } from './entry.ts';

/**
 * Returns the entries that the account sees. `entries`: the newest of the log, oldest first. `rooms`: the ids of the rooms
 * that the account is in after the last of them.
 */
export function visibleTo(account: number, rooms: Iterable<number>, entries: readonly Entry[]): Entry[] {
  const within = new Set(rooms);
  const visible: Entry[] = [];
  // Goes backwards from the present: before its join an account was outside, and before its leave it was inside.
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
