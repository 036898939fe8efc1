/**
 * Who is to be told that somebody came or went. Changes are gathered and told once a second, somebody who was
 * away for less than the grace was never away, and large rooms are not told.
 */

import type { Account } from './directory.ts';

export const PRESENCE_GRACE_MS = 10_000;
export const PRESENCE_ROOM_LIMIT = 200;

export interface PresenceChange {
  readonly account: Account;
  readonly online: boolean;
}

export class Presence {
  /** Told to be online. */
  readonly #shown = new Map<number, Account>();
  readonly #arrived = new Map<number, Account>();
  /** When those who are shown, but have no session, lost their last one. */
  readonly #leaving = new Map<number, { readonly account: Account; readonly at: number }>();

  came(account: Account): void {
    this.#leaving.delete(account.id);
    if (!this.#shown.has(account.id)) this.#arrived.set(account.id, account);
  }

  /** Who goes within the second in which they came is told to have come all the same: a room may have seen them join. */
  went(account: Account, now: number): void {
    this.#leaving.set(account.id, { account, at: now });
  }

  /** Somebody who was online before this began to watch: after a restart, nobody is told that they came. */
  assume(account: Account): void {
    this.#shown.set(account.id, account);
  }

  /** What there is to tell at `now`. */
  changes(now: number): PresenceChange[] {
    const changes: PresenceChange[] = [];
    for (const account of this.#arrived.values()) {
      this.#shown.set(account.id, account);
      changes.push({ account, online: true });
    }
    this.#arrived.clear();
    for (const { account, at } of this.#leaving.values()) {
      if (now - at < PRESENCE_GRACE_MS) break;
      this.#leaving.delete(account.id);
      if (this.#shown.delete(account.id)) changes.push({ account, online: false });
    }
    return changes;
  }
}
