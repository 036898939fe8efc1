/**
 * Decides which presence changes to announce. The registry asks for them once a second. An absence shorter than the grace
 * period is not announced, and rooms with more members than `PRESENCE_ROOM_LIMIT` get no announcements.
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
  readonly #announced = new Map<number, Account>();
  readonly #arrived = new Map<number, Account>();
  /** Announced accounts without a session, and when they lost their last one. */
  readonly #leaving = new Map<number, { readonly account: Account; readonly at: number }>();

  cameOnline(account: Account): void {
    this.#leaving.delete(account.id);
    if (!this.#announced.has(account.id)) this.#arrived.set(account.id, account);
  }

  /** If the account came online within the same second, it is announced all the same, because a room may have seen it join. */
  wentOffline(account: Account, now: number): void {
    this.#leaving.set(account.id, { account, at: now });
  }

  /** Treats an account as announced, because it was online before this thread restarted. */
  assumeOnline(account: Account): void {
    this.#announced.set(account.id, account);
  }

  /** The changes to announce at `now`. */
  changes(now: number): PresenceChange[] {
    const changes: PresenceChange[] = [];
    for (const account of this.#arrived.values()) {
      this.#announced.set(account.id, account);
      changes.push({ account, online: true });
    }
    this.#arrived.clear();
    for (const { account, at } of this.#leaving.values()) {
      if (now - at < PRESENCE_GRACE_MS) break;
      this.#leaving.delete(account.id);
      if (this.#announced.delete(account.id)) changes.push({ account, online: false });
    }
    return changes;
  }
}
