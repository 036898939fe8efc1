/** Sessions begin, catch up with what they missed, say what they have been shown, and end. */

import type { Account, Directory } from '../../chat/directory.ts';
import type { Entry } from '../../chat/entry.ts';
import type { Presence } from '../../chat/presence.ts';
import { StorageFailure } from '../../chat/projection.ts';
import type { Sessions } from '../../chat/sessions.ts';
import { visibleTo } from '../../chat/visibility.ts';
import type { Clock } from '../../common/clock.ts';
import type { RefusalCode } from '../../protocol/vocabulary.ts';
import type { AnnouncedSession, CommandOf } from '../link/messages.ts';
import type { Accounts } from './accounts.ts';
import type { Ledger } from './ledger.ts';
import type { Router, ShardLink } from './router.ts';

/** Of an entry on the wire, apart from its text; and entries that are looked at for each byte that may be sent. */
const ENTRY_BYTES = 64;
const SCANNED_PER_BYTE = 1 / 8;
/** Accounts with nobody online that are told of deliveries when they come back, and messages of each. */
const ABSENT_AUTHORS = 10_000;
const KEPT_RECEIPTS = 1_000;

export interface SessionParts {
  readonly clock: Clock;
  readonly directory: Directory;
  readonly sessions: Sessions;
  readonly presence: Presence;
  readonly router: Router;
  readonly ledger: Ledger;
  readonly accounts: Accounts;
}

/** How a session begins behind its turn, and what to do if it does not. */
export interface Attaching {
  act(): RefusalCode | undefined;
  abandon(): void;
}

export class SessionCommands {
  readonly #parts: SessionParts;
  /** Deliveries of authors who were not there, or not live; who has waited longest first. */
  readonly #receipts = new Map<number, number[]>();

  constructor(parts: SessionParts) {
    this.#parts = parts;
  }

  /** Asks for the account, if there is none, and returns how the session begins once that is there. */
  attach(link: ShardLink, command: CommandOf<'attach'>): Attaching {
    const [, , , user, guest] = command;
    const { directory, ledger, accounts, router } = this.#parts;
    const holder = directory.account(user);
    let account: Account | RefusalCode = 'unavailable';
    // A new guest misses nothing of the rest of the turn: a message to it may follow in the same batch.
    let beginning = 0;
    if (!guest && holder?.guest === false && !ledger.isRetiring(holder)) account = holder;
    else {
      accounts.admit({ name: user, guest }, (admitted) => {
        account = admitted;
        beginning = router.routed;
      });
    }
    return {
      act: () => (typeof account === 'string' ? account : this.#enter(link, command, account, beginning)),
      abandon: () => {
        // A guest is there only as long as its session.
        if (typeof account !== 'string' && account.guest) ledger.retire(account);
      },
    };
  }

  /** `beginning`: the newest id when a guest's account began. */
  #enter(
    link: ShardLink,
    command: CommandOf<'attach'>,
    account: Account,
    beginning: number,
  ): RefusalCode | undefined {
    const [, number, connection, , guest, lastId] = command;
    const { clock, sessions, presence, router, directory, ledger } = this.#parts;
    // Somebody else of that name has come in the same turn.
    if (directory.account(account.name) !== account) return 'unavailable';
    try {
      const start = guest ? beginning : Math.min(lastId ?? ledger.seenBy(account), router.routed);
      sessions.attach(link.index, connection, account, clock.wall());
      presence.came(account);
      const rooms = [...directory.roomsOf(account).keys()].map((room) => room.name);
      link.out.push(['attached', number, account.id, account.name, rooms, router.routed, start]);
      return undefined;
    } catch (error) {
      if (error instanceof StorageFailure) return 'storage_failed';
      throw error;
    }
  }

  /** A session that was there before this thread began. */
  restore(link: ShardLink, [connection, id, name, isLive]: AnnouncedSession): void {
    const { clock, directory, sessions, presence, accounts } = this.#parts;
    const account = directory.account(name);
    if (account?.id !== id) {
      link.out.push(['expelled', id, 'failed']);
      return;
    }
    accounts.guestIsBack(account);
    sessions.attach(link.index, connection, account, clock.wall());
    if (isLive) sessions.wentLive(link.index, connection);
    presence.assume(account);
  }

  /** From here on the session gets what is routed; what it lacks up to here goes before that. */
  goLive(link: ShardLink, [, number, connection, cursor, bytes]: CommandOf<'live'>): RefusalCode | undefined {
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
    link.out.push(['live', number, rooms, missing, router.routed]);
    const receipts = this.#receipts.get(account.id);
    this.#receipts.delete(account.id);
    if (receipts !== undefined) link.out.push(['delivered', account.id, receipts]);
    return undefined;
  }

  see([, number, , id]: CommandOf<'seen'>, account: Account, link: ShardLink): undefined {
    const { router, ledger } = this.#parts;
    const through = Math.min(id, router.routed);
    if (through > ledger.seenBy(account)) {
      ledger.see(account, through);
      for (const [author, ids] of ledger.receipts.confirm(account, through)) this.#deliver(author, ids);
    }
    return this.#answer(link, number, null);
  }

  /** A guest ends with its last session, and leaves the rooms that it is in behind everything that it has asked for. */
  detach(link: ShardLink, [, number, connection]: CommandOf<'detach'>): undefined {
    const account = this.#parts.sessions.detach(link.index, connection);
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
