/**
 * Sessions come, catch up with what they missed, tell what they have been shown, and go. Messages and rooms are in
 * `requests.ts`.
 */

import type { Account } from '../chat/directory.ts';
import type { Entry } from '../chat/entry.ts';
import { visibleTo } from '../chat/visibility.ts';
import type { AnnouncedSession } from './link.ts';
import type { Ask, Parts, Taken } from './parts.ts';
import { toRouted } from './routed.ts';
import type { ShardLink } from './router.ts';

/** Of an entry on the wire, apart from its text; and entries that are looked at for each byte that may be sent. */
const ENTRY_BYTES = 64;
const SCANNED_PER_BYTE = 1 / 8;
/** Accounts with nobody online that are told of deliveries when they come back, and messages of each. */
const ABSENT_AUTHORS = 10_000;
const KEPT_RECEIPTS = 1_000;

export class Arrivals {
  readonly #parts: Parts;
  /** What was delivered of accounts that were not there, or not live; who has waited longest first. */
  readonly #receipts = new Map<number, number[]>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  attach(link: ShardLink, [, number, connection, user, guest, lastId]: Ask<'attach'>): Taken {
    const { sessions, presence, router, directory, roster, ledger } = this.#parts;
    return roster.admit({ name: user, guest }, (account) => {
      if (typeof account === 'string') {
        link.out.push(['error', number, account]);
        return;
      }
      // A guest begins to be with this session.
      const start = guest ? router.routed : Math.min(lastId ?? ledger.seenBy(account), router.routed);
      sessions.attach(link.index, connection, account);
      presence.came(account);
      const rooms = [...directory.roomsOf(account).keys()].map((room) => room.name);
      link.out.push(['attached', number, account.id, account.name, rooms, router.routed, start]);
    });
  }

  /** A session that was there before this thread began. */
  restore(link: ShardLink, [connection, id, name, isLive]: AnnouncedSession): void {
    const { directory, sessions, presence, roster } = this.#parts;
    const account = directory.account(name);
    if (account?.id !== id) {
      link.out.push(['expelled', id, 'failed']);
      return;
    }
    roster.guestIsBack(account);
    sessions.attach(link.index, connection, account);
    if (isLive) sessions.wentLive(link.index, connection);
    presence.assume(account);
  }

  /** From this turn on the session gets what is routed; what it lacks up to here goes before that. */
  goLive(link: ShardLink, [, number, connection, cursor, bytes]: Ask<'live'>): Taken {
    const { sessions, router, directory } = this.#parts;
    const account = sessions.find(link.index, connection);
    if (account === undefined) return 'not_logged_in';
    const recent = router.recent.after(cursor);
    const rooms = [...directory.roomsOf(account).keys()].map((room) => room.id);
    const isNear = recent !== undefined && recent.length <= bytes * SCANNED_PER_BYTE;
    const missing = isNear ? visibleTo(account.id, rooms, recent) : undefined;
    if (missing === undefined || sizeOf(missing) > bytes) {
      link.out.push(['behind', number]);
      return undefined;
    }
    sessions.wentLive(link.index, connection);
    link.out.push(['live', number, rooms, missing.map((entry) => toRouted(entry, 0)), router.routed]);
    const receipts = this.#receipts.get(account.id);
    this.#receipts.delete(account.id);
    if (receipts !== undefined) link.out.push(['delivered', account.id, receipts]);
    return undefined;
  }

  see(link: ShardLink, [, number, connection, id]: Ask<'seen'>): Taken {
    const { sessions, router, ledger } = this.#parts;
    const account = sessions.find(link.index, connection);
    if (account === undefined) return 'not_logged_in';
    const through = Math.min(id, router.routed);
    if (through > ledger.seenBy(account)) {
      ledger.see(account, through);
      for (const [author, ids] of ledger.receipts.confirm(account, through)) this.#deliver(author, ids);
    }
    return this.#answer(link, number, null);
  }

  detach(link: ShardLink, [, number, connection]: Ask<'detach'>): Taken {
    const { sessions, ledger } = this.#parts;
    const leaving = sessions.find(link.index, connection);
    // A guest ends with its last session, and leaves the rooms that it is in behind all that it has asked for.
    if (leaving?.guest && ledger.changesMembership(leaving.id)) return 'wait';
    const account = sessions.detach(link.index, connection);
    if (account !== undefined) this.sessionEnded(account);
    return this.#answer(link, number, null);
  }

  sessionEnded(account: Account): void {
    const { clock, sessions, presence, ledger } = this.#parts;
    if (sessions.isOnline(account)) return;
    presence.went(account, clock.monotonic());
    if (account.guest) ledger.retire(account);
  }

  /** Tells an author's sessions; and those that cannot be told now, when they go live. */
  #deliver(author: number, ids: readonly number[]): void {
    const { sessions, router } = this.#parts;
    const shards = sessions.shardsOfAccount(author);
    let isMissed = shards.length === 0 || sessions.isReplaying(author);
    for (const link of router.links.values()) {
      if ((shards[link.index] ?? 0) === 0) continue;
      // What a shard is told before it has caught up would come before the message itself.
      if (link.behind) isMissed = true;
      else link.out.push(['delivered', author, ids]);
    }
    if (!isMissed) return;
    this.#receipts.set(author, [...(this.#receipts.get(author) ?? []), ...ids].slice(-KEPT_RECEIPTS));
    if (this.#receipts.size <= ABSENT_AUTHORS) return;
    for (const oldest of this.#receipts.keys()) {
      this.#receipts.delete(oldest);
      return;
    }
  }

  #answer(link: ShardLink, number: number, result: unknown): undefined {
    link.out.push(['ok', number, result]);
  }
}

/** About how many bytes entries are on the wire. */
function sizeOf(entries: readonly Entry[]): number {
  let bytes = entries.length * ENTRY_BYTES;
  for (const entry of entries) bytes += 'text' in entry ? Buffer.byteLength(entry.text) : 0;
  return bytes;
}
