/**
 * Decides which presence changes are announced. Changes are collected and announced once a second. An absence shorter than
 * the grace period is not announced, and neither is anything to large rooms.
 */

import type { Account } from './directory.ts';

export const PRESENCE_GRACE_MS = 10_000;
export const PRESENCE_ROOM_LIMIT = 200;

export interface PresenceChange {
  readonly account: Account;
  readonly online: boolean;
}

export class Presence {
  /** Accounts that have been announced as online. */
  readonly #shown = new Map<number, Account>();
  readonly #arrived = new Map<number, Account>();
  /** Announced accounts without a session, and when they lost their last one. */
  readonly #leaving = new Map<number, { readonly account: Account; readonly at: number }>();

  came(account: Account): void {
    this.#leaving.delete(account.id);
    if (!this.#shown.has(account.id)) this.#arrived.set(account.id, account);
  }

  /** An account that leaves within the second of its arrival is still announced, because a room may have seen it join. */
  went(account: Account, now: number): void {
    this.#leaving.set(account.id, { account, at: now });
  }

  /** Counts an account as announced, because it was online before this thread restarted. */
  assume(account: Account): void {
    this.#shown.set(account.id, account);
  }

  /** The changes to announce at `now`. */
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
