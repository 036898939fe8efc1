/**
 * What connections ask of the registry. Messages, joins and leaves become drafts of the batch, and are answered
 * when they are routed; everything else is answered at once, from what is committed.
 */

import { type Account, type Directory, pageAfter, type Room } from '../chat/directory.ts';
import { type Draft, type Entry, type MembershipChange, timeOf } from '../chat/entry.ts';
import { isRoomName } from '../chat/names.ts';
import type { Presence } from '../chat/presence.ts';
import type { Sessions } from '../chat/sessions.ts';
import { visibleTo } from '../chat/visibility.ts';
import { type MessageLog, StorageFailure } from '../store/message-log.ts';
import { LIMITS, type RefusalCode, type RoomPage, type UserPage } from '../transport/protocol.ts';
import type { Ledger } from './ledger.ts';
import type { AnnouncedSession, Command } from './link.ts';
import type { Roster } from './roster.ts';
import { toRouted } from './routed.ts';
import type { Router, ShardLink } from './router.ts';

/** Names in one answer: the longest names make a page of about 35 KiB. */
const PAGE = 500;
/** Of an entry on the wire, apart from its text; and entries that are looked at for each byte that may be sent. */
const ENTRY_BYTES = 64;
const SCANNED_PER_BYTE = 1 / 8;
/** Accounts with nobody online that are told of deliveries when they come back, and messages of each. */
const ABSENT_AUTHORS = 10_000;
const KEPT_RECEIPTS = 1_000;
/** Longer than any login takes from auth to here. */
const EXPEL_MEMORY_MS = 5 * 60_000;

type Ask<Verb extends Command[0]> = Extract<Command, readonly [Verb, ...unknown[]]>;

/**
 * A code refuses the command. `wait`: it depends on what is not committed yet, and must be taken again behind the
 * next commit. Otherwise it has been answered, or will be when its part of the batch is committed.
 */
type Taken = RefusalCode | 'wait' | undefined;

export interface Parts {
  readonly log: MessageLog;
  readonly directory: Directory;
  readonly sessions: Sessions;
  readonly presence: Presence;
  readonly router: Router;
  readonly ledger: Ledger;
  readonly roster: Roster;
}

export class Requests {
  readonly #parts: Parts;
  /** What was delivered of accounts that were not there, or not live; who has waited longest first. */
  readonly #receipts = new Map<number, number[]>();
  /** When accounts had their password changed, in auth's count and by the clock; the oldest first. */
  readonly #expelled = new Map<number, { readonly serial: number; readonly at: number }>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** False if the command has to wait for the next commit. */
  take(link: ShardLink, command: Command): boolean {
    const taken = this.#try(link, command);
    if (taken === 'wait') return false;
    if (taken !== undefined) link.out.push(['error', command[1], taken]);
    return true;
  }

  /** A session that was there before this thread began. */
  restore(link: ShardLink, [connection, id, name, isLive]: AnnouncedSession): void {
    const { directory, sessions, presence, roster } = this.#parts;
    const account = directory.account(name);
    if (account?.id !== id) {
      link.out.push(['expelled', id, 0, 'failed']);
      return;
    }
    roster.guestIsBack(account);
    sessions.attach(link.index, connection, account);
    if (isLive) sessions.wentLive(link.index, connection);
    presence.assume(account);
  }

  sessionEnded(account: Account, now: number): void {
    const { sessions, presence, ledger } = this.#parts;
    if (sessions.isOnline(account)) return;
    presence.went(account, now);
    if (account.guest) ledger.retire(account);
  }

  /** Forgets changes of passwords that no login under way can be older than. */
  sweep(now: number): void {
    for (const [account, { at }] of this.#expelled) {
      if (now - at < EXPEL_MEMORY_MS) return;
      this.#expelled.delete(account);
    }
  }

  /** What answers a join or a leave that has been committed. */
  resultOf(change: MembershipChange): unknown {
    const room = this.#parts.directory.room(change.roomName);
    return change.kind === 'joined' && room !== undefined
      ? [change.id, this.#members(room, null)]
      : [change.id];
  }

  #try(link: ShardLink, command: Command): Taken {
    try {
      return this.#run(link, command);
    } catch (error) {
      if (error instanceof StorageFailure) return 'storage_failed';
      throw error;
    }
  }

  #run(link: ShardLink, command: Command): Taken {
    switch (command[0]) {
      case 'send':
        return this.#send(link, command);
      case 'join':
      case 'leave':
        return this.#move(link, command);
      case 'attach':
        return this.#attach(link, command);
      case 'live':
        return this.#goLive(link, command);
      case 'seen':
        return this.#see(link, command);
      case 'detach':
        return this.#detach(link, command);
      case 'account':
        return this.#register(link, command);
      case 'who':
        return this.#who(link, command);
      case 'rooms':
        return this.#listRooms(link, command);
      case 'expel':
        return this.#expel(link, command);
      default:
        return command satisfies never;
    }
  }

  #send(link: ShardLink, [, number, connection, to, text, key]: Ask<'send'>): Taken {
    const { log, sessions, ledger } = this.#parts;
    const sender = sessions.find(link.index, connection);
    if (sender === undefined) return 'not_logged_in';
    if (ledger.isBroken) return 'storage_failed';
    if (key !== null) {
      if (ledger.changesKey(sender.id, key)) return 'wait';
      const use = log.findKey(sender.id, key);
      if (use !== undefined) {
        if (!use.isSame(to, text)) return 'key_reused';
        return this.#answer(link, number, [use.id, timeOf(use.id)]);
      }
    }
    if (ledger.changesMembership(sender.id)) return 'wait';
    const draft = this.#draft(sender, to, text, key, { shard: link.incarnation, number });
    if (typeof draft === 'string') return draft;
    ledger.add(draft);
    return undefined;
  }

  #draft(
    sender: Account,
    to: string,
    text: string,
    key: string | null,
    origin: Draft['origin'],
  ): Draft | RefusalCode {
    const { directory } = this.#parts;
    const { id: account, name: user } = sender;
    if (isRoomName(to)) {
      const room = directory.room(to);
      if (room === undefined) return 'no_such_room';
      if (!room.members.has(account)) return 'not_a_member';
      return { kind: 'message', account, user, room: room.id, roomName: room.name, text, key, origin };
    }
    const peer = directory.account(to);
    if (peer === undefined) return 'no_such_user';
    return { kind: 'direct', account, user, peer: peer.id, peerName: peer.name, text, key, origin };
  }

  #move(link: ShardLink, [verb, number, connection, name]: Ask<'join' | 'leave'>): Taken {
    const { directory, sessions, ledger } = this.#parts;
    const account = sessions.find(link.index, connection);
    if (account === undefined) return 'not_logged_in';
    if (ledger.changesMembership(account.id)) return 'wait';
    const room = directory.room(name);
    const isMember = room?.members.has(account.id) ?? false;
    if (verb === 'leave' && room === undefined) return 'no_such_room';
    if (verb === 'leave' && !isMember) return 'not_a_member';
    if (verb === 'join' && room !== undefined && isMember) {
      return this.#answer(link, number, [null, this.#members(room, null)]);
    }
    if (verb === 'join' && directory.roomsOf(account).size >= LIMITS.roomsPerAccount) return 'too_many_rooms';
    ledger.add({
      kind: verb === 'join' ? 'joined' : 'left',
      account: account.id,
      user: account.name,
      room: room?.id ?? 0,
      roomName: room?.name ?? name,
      origin: { shard: link.incarnation, number },
    });
    return undefined;
  }

  #attach(link: ShardLink, [, number, connection, user, guest, serial, lastId]: Ask<'attach'>): Taken {
    const { sessions, presence, router, directory, roster, ledger } = this.#parts;
    return roster.admit({ name: user, guest }, (account) => {
      if (typeof account === 'string') {
        link.out.push(['error', number, account]);
        return;
      }
      if (serial < (this.#expelled.get(account.id)?.serial ?? 0)) {
        link.out.push(['error', number, 'wrong_credentials']);
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

  /** From this turn on the session gets what is routed; what it lacks up to here goes before that. */
  #goLive(link: ShardLink, [, number, connection, cursor, bytes]: Ask<'live'>): Taken {
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

  #see(link: ShardLink, [, number, connection, id]: Ask<'seen'>): Taken {
    const { sessions, router, ledger } = this.#parts;
    const account = sessions.find(link.index, connection);
    if (account === undefined) return 'not_logged_in';
    const through = Math.min(id, router.routed);
    if (through > ledger.seenBy(account)) {
      ledger.see(account, through);
      for (const [author, ids] of ledger.receipts.confirm(account, through)) this.#deliver(author, ids);
    }
    return this.#answer(link, number, undefined);
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

  #detach(link: ShardLink, [, number, connection]: Ask<'detach'>): Taken {
    const account = this.#parts.sessions.detach(link.index, connection);
    if (account !== undefined) this.sessionEnded(account, Date.now());
    return this.#answer(link, number, null);
  }

  #register(link: ShardLink, [, number, , name]: Ask<'account'>): Taken {
    return this.#parts.roster.admit({ name, guest: false }, (account) => {
      // The password store has it: what the log cannot take in at present begins with the first login.
      const isStored =
        typeof account !== 'string' || account === 'storage_full' || account === 'storage_failed';
      if (isStored) this.#answer(link, number, null);
      else link.out.push(['error', number, account]);
    });
  }

  #expel(link: ShardLink, [, number, connection, serial]: Ask<'expel'>): Taken {
    const { sessions, router } = this.#parts;
    const account = sessions.find(link.index, connection);
    if (account === undefined) return 'not_logged_in';
    this.#expelled.delete(account.id);
    this.#expelled.set(account.id, { serial, at: Date.now() });
    router.expel(account.id, 'password_changed', { link, connection });
    return this.#answer(link, number, null);
  }

  #who(link: ShardLink, [, number, connection, name, after]: Ask<'who'>): Taken {
    const { directory, sessions } = this.#parts;
    if (this.#isMoving(link, connection)) return 'wait';
    if (name === null) return this.#answer(link, number, this.#page(sessions.onlineInOrder(), after));
    const room = directory.room(name);
    return room === undefined ? 'no_such_room' : this.#answer(link, number, this.#members(room, after));
  }

  #listRooms(link: ShardLink, [, number, connection, after]: Ask<'rooms'>): Taken {
    if (this.#isMoving(link, connection)) return 'wait';
    const { items, next } = pageAfter(this.#parts.directory.roomsInOrder(), after, PAGE);
    const rooms: RoomPage[0] = items.map((room) => [room.name, room.members.size]);
    return this.#answer(link, number, [rooms, next]);
  }

  /** Whoever asks sees the effect of what they asked before. */
  #isMoving(link: ShardLink, connection: number): boolean {
    const account = this.#parts.sessions.find(link.index, connection);
    return account !== undefined && this.#parts.ledger.changesMembership(account.id);
  }

  #members(room: Room, after: string | null): UserPage {
    return this.#page(this.#parts.directory.membersInOrder(room), after);
  }

  #page(sorted: readonly Account[], after: string | null): UserPage {
    const { items, next } = pageAfter(sorted, after, PAGE);
    return [items.map((account) => [account.name, this.#parts.sessions.isOnline(account)]), next];
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
