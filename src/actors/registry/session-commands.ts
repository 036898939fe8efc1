/** Handles the commands of sessions: begin, go live, mark messages as seen, end. */

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

/** About how many bytes an entry has on the wire in addition to its text. */
const ENTRY_OVERHEAD = 64;
/** How many recent entries to scan per byte that the session can take. */
const SCANNED_PER_BYTE = 1 / 8;
/** For how many authors without a live session receipts are kept until they are back, and how many for each. */
const MAX_ABSENT_AUTHORS = 10_000;
const MAX_RECEIPTS_PER_AUTHOR = 1_000;

export interface SessionParts {
  readonly clock: Clock;
  readonly directory: Directory;
  readonly sessions: Sessions;
  readonly presence: Presence;
  readonly router: Router;
  readonly ledger: Ledger;
  readonly accounts: Accounts;
}

/** A session that is to begin after its turn: begins it, or cleans up if it cannot begin. */
export interface PendingSession {
  begin(): RefusalCode | undefined;
  abandon(): void;
}

export class SessionCommands {
  readonly #parts: SessionParts;
  /** Message ids to report to authors who had no live session, by account, in the order in which the authors were added. */
  readonly #receipts = new Map<number, number[]>();

  constructor(parts: SessionParts) {
    this.#parts = parts;
  }

  /** Registers the account if necessary. The caller begins the session after the turn. */
  attach(link: ShardLink, command: CommandOf<'attach'>): PendingSession {
    const [, , , user, guest] = command;
    const { directory, ledger, accounts, router } = this.#parts;
    const holder = directory.account(user);
    let account: Account | RefusalCode = 'unavailable';
    // A new guest gets everything from its registration on, because a message to it may follow in the same batch.
    let beginning = 0;
    if (!guest && holder?.guest === false && !ledger.isRetiring(holder)) account = holder;
    else {
      accounts.register({ name: user, guest }, (registered) => {
        account = registered;
        beginning = router.routed;
      });
    }
    return {
      begin: () =>
        typeof account === 'string' ? account : this.#beginSession(link, command, account, beginning),
      abandon: () => {
        // A guest's account exists only as long as its session.
        if (typeof account !== 'string' && account.guest) ledger.retire(account);
      },
    };
  }

  /** `beginning`: the newest id when a guest's account began. */
  #beginSession(
    link: ShardLink,
    command: CommandOf<'attach'>,
    account: Account,
    beginning: number,
  ): RefusalCode | undefined {
    const [, number, connection, , guest, lastId] = command;
    const { clock, sessions, presence, router, directory, ledger } = this.#parts;
    // The name may have passed to another account in the same turn.
    if (directory.account(account.name) !== account) return 'unavailable';
    try {
      const start = guest ? beginning : Math.min(lastId ?? ledger.seenBy(account), router.routed);
      sessions.attach(link.index, connection, account, clock.wall());
      presence.cameOnline(account);
      const rooms = [...directory.roomsOf(account).keys()].map((room) => room.name);
      link.out.push(['attached', number, account.id, account.name, rooms, router.routed, start]);
      return undefined;
    } catch (error) {
      if (error instanceof StorageFailure) return 'storage_failed';
      throw error;
    }
  }

  /** Restores a session that was there before this thread started. */
  restore(link: ShardLink, [connection, id, name, isLive]: AnnouncedSession): void {
    const { clock, directory, sessions, presence, accounts } = this.#parts;
    const account = directory.account(name);
    if (account?.id !== id) {
      link.out.push(['expelled', id, 'failed']);
      return;
    }
    accounts.guestReturned(account);
    sessions.attach(link.index, connection, account, clock.wall());
    if (isLive) sessions.wentLive(link.index, connection);
    presence.assumeOnline(account);
  }

  /** Makes the session live, with the entries that it still lacks, or sends it back to the archive if they are too many. */
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

  markSeen([, number, , id]: CommandOf<'seen'>, account: Account, link: ShardLink): undefined {
    const { router, ledger } = this.#parts;
    const through = Math.min(id, router.routed);
    if (through > ledger.seenBy(account)) {
      ledger.markSeen(account, through);
      for (const [author, ids] of ledger.receipts.confirm(account, through)) this.#deliver(author, ids);
    }
    return this.#answer(link, number, null);
  }

  /** Ends the session. With its last session a guest is retired, and leaves its rooms after all its earlier commands. */
  detach(link: ShardLink, [, number, connection]: CommandOf<'detach'>): undefined {
    const account = this.#parts.sessions.detach(link.index, connection);
    if (account !== undefined) this.sessionEnded(account);
    return this.#answer(link, number, null);
  }

  sessionEnded(account: Account): void {
    const { clock, sessions, presence, ledger } = this.#parts;
    if (sessions.isOnline(account)) return;
    presence.wentOffline(account, clock.monotonic());
    if (account.guest) ledger.retire(account);
  }

  /** Sends receipts to the author's live sessions, and keeps them for sessions that go live later. */
  #deliver(author: number, ids: readonly number[]): void {
    const { sessions, router } = this.#parts;
    const shards = sessions.shardsOfAccount(author);
    let isMissed = shards.length === 0 || sessions.isReplaying(author);
    for (const link of router.links.values()) {
      if ((shards[link.index] ?? 0) === 0) continue;
      // A shard that is behind would get the receipt before the message itself.
      if (link.isBehind) isMissed = true;
      else link.out.push(['delivered', author, ids]);
    }
    if (!isMissed) return;
    this.#receipts.set(
      author,
      [...(this.#receipts.get(author) ?? []), ...ids].slice(-MAX_RECEIPTS_PER_AUTHOR),
    );
    if (this.#receipts.size <= MAX_ABSENT_AUTHORS) return;
    for (const oldest of this.#receipts.keys()) {
      this.#receipts.delete(oldest);
      return;
    }
  }

  #answer(link: ShardLink, number: number, result: unknown): undefined {
    link.out.push(['ok', number, result]);
  }
}

/** About how many bytes the entries have on the wire. */
function sizeOf(entries: readonly Entry[]): number {
  let bytes = entries.length * ENTRY_OVERHEAD;
  for (const entry of entries) bytes += 'text' in entry ? Buffer.byteLength(entry.text) : 0;
  return bytes;
}
