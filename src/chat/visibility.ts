/**
 * Who may see what. One rule, for routing, replay, history and search:
 *
 * - An account sees the entries of a room from its own join to its own leave, both included, each time it was in.
 * - An account sees the messages between itself and another account.
 *
 * Accounts and rooms are meant by their ids, and ids of accounts are never given again: who comes back under an old
 * name sees nothing of it. The same rule as a table is the view `visible` of `chat.db` (`src/store/sqlite/schema.ts`).
 */

import type { Entry } from './entry.ts';

/**
 * Those of `entries` that the account sees. `entries`: the newest of the log, oldest first. `rooms`: the ids of the
 * rooms that the account is in behind the last of them.
 */
export function visibleTo(account: number, rooms: Iterable<number>, entries: readonly Entry[]): Entry[] {
  const within = new Set(rooms);
  const visible: Entry[] = [];
  // Backwards from what is known: before its join an account was out, and before its leave it was in.
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
