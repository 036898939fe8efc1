/**
 * What connections ask of the registry. Messages, joins and leaves become drafts of the batch, and are answered
 * when they are routed; everything else is answered at once, from what is committed.
 */

import { type Account, byName, type Directory, pageAfter, type Room } from '../chat/directory.ts';
import { type Draft, type MembershipChange, timeOf } from '../chat/entry.ts';
import { isRoomName } from '../chat/names.ts';
import type { Presence } from '../chat/presence.ts';
import type { Sessions } from '../chat/sessions.ts';
import type { MessageLog } from '../store/message-log.ts';
import { LIMITS, type RefusalCode, type RoomPage, type UserPage } from '../transport/protocol.ts';
import type { Ledger } from './ledger.ts';
import type { AnnouncedSession, Command } from './link.ts';
import type { Roster } from './roster.ts';
import type { Router, ShardLink } from './router.ts';

/** Names in one answer: the longest names make a page of about 35 KiB. */
const PAGE = 500;

type Ask<Verb extends Command[0]> = Extract<Command, readonly [Verb, ...unknown[]]>;

/** A code refuses the command. Otherwise it has been answered, or will be when its draft is committed. */
type Refused = RefusalCode | undefined;

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

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  take(link: ShardLink, command: Command): void {
    const refused = this.#run(link, command);
    if (refused !== undefined) link.out.push(['error', command[1], refused]);
  }

  /** A session that was there before this thread began. */
  restore(link: ShardLink, [connection, id, name]: AnnouncedSession): void {
    const { directory, sessions, presence, roster } = this.#parts;
    const account = directory.account(name);
    if (account?.id !== id) {
      link.out.push(['expelled', id, 0]);
      return;
    }
    roster.guestIsBack(account);
    sessions.attach(link.index, connection, account);
    presence.assume(account);
  }

  sessionEnded(account: Account): void {
    const { sessions, presence, roster } = this.#parts;
    if (sessions.isOnline(account)) return;
    presence.went(account, Date.now());
    if (account.guest) roster.retire(account);
  }

  /** What answers a join or a leave that has been committed. */
  resultOf(change: MembershipChange): unknown {
    const room = this.#parts.directory.room(change.roomName);
    return change.kind === 'joined' && room !== undefined
      ? [change.id, this.#members(room, null)]
      : [change.id];
  }

  #run(link: ShardLink, command: Command): Refused {
    if (command[0] === 'send') return this.#send(link, command);
    if (command[0] === 'join' || command[0] === 'leave') return this.#move(link, command);
    this.#parts.ledger.commit();
    switch (command[0]) {
      case 'attach':
        return this.#attach(link, command);
      case 'detach':
        return this.#detach(link, command);
      case 'account':
        return this.#register(link, command);
      case 'who':
        return this.#who(link, command);
      case 'rooms':
        return this.#answer(link, command[1], this.#rooms(command[2]));
      case 'expel':
        return this.#expel(link, command);
      default:
        return command satisfies never;
    }
  }

  #send(link: ShardLink, [, number, connection, to, text, key]: Ask<'send'>): Refused {
    const { log, sessions, ledger } = this.#parts;
    const sender = sessions.find(link.index, connection);
    if (sender === undefined) return 'not_logged_in';
    if (key !== null) {
      ledger.settleKey(sender.id, key);
      const use = log.findKey(sender.id, key);
      if (use !== undefined) {
        if (!use.isSame(to, text)) return 'key_reused';
        return this.#answer(link, number, [use.id, timeOf(use.id)]);
      }
    }
    ledger.settleMembership(sender.id);
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

  #move(link: ShardLink, [verb, number, connection, name]: Ask<'join' | 'leave'>): Refused {
    const { directory, sessions, ledger } = this.#parts;
    const account = sessions.find(link.index, connection);
    if (account === undefined) return 'not_logged_in';
    ledger.settleMembership(account.id);
    const room = directory.room(name);
    const isMember = room?.members.has(account.id) ?? false;
    if (verb === 'leave' && room === undefined) return 'no_such_room';
    if (verb === 'leave' && !isMember) return 'not_a_member';
    if (verb === 'join' && room !== undefined && isMember) {
      ledger.commit();
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

  #attach(link: ShardLink, [, number, connection, user, isGuest]: Ask<'attach'>): Refused {
    const { directory, sessions, presence, router, roster } = this.#parts;
    const account = isGuest ? roster.welcomeGuest(user) : roster.registered(user);
    if (account === undefined) return isGuest ? 'storage_failed' : 'no_such_user';
    sessions.attach(link.index, connection, account);
    presence.came(account);
    const rooms = [...directory.roomsOf(account)].map((room) => [room.id, room.name] as const);
    link.out.push(['attached', number, account.id, account.name, rooms, router.routed]);
    return undefined;
  }

  #detach(link: ShardLink, [, number, connection]: Ask<'detach'>): Refused {
    const account = this.#parts.sessions.detach(link.index, connection);
    if (account !== undefined) this.sessionEnded(account);
    return this.#answer(link, number, null);
  }

  #register(link: ShardLink, [, number, name, since]: Ask<'account'>): Refused {
    return this.#parts.roster.register({ name, since }) ?? this.#answer(link, number, null);
  }

  #expel(link: ShardLink, [, number, connection]: Ask<'expel'>): Refused {
    const { sessions, router } = this.#parts;
    const account = sessions.find(link.index, connection);
    if (account === undefined) return 'not_logged_in';
    const shards = sessions.shardsOfAccount(account.id);
    for (const other of router.links.values()) {
      if ((shards[other.index] ?? 0) === 0) continue;
      other.out.push(['expelled', account.id, other === link ? connection : 0]);
    }
    return this.#answer(link, number, null);
  }

  #who(link: ShardLink, [, number, name, after]: Ask<'who'>): Refused {
    const { directory, sessions } = this.#parts;
    if (name === null) {
      const online = [...sessions.online.values()].sort(byName);
      return this.#answer(link, number, this.#page(online, after));
    }
    const room = directory.room(name);
    return room === undefined ? 'no_such_room' : this.#answer(link, number, this.#members(room, after));
  }

  #members(room: Room, after: string | null): UserPage {
    return this.#page(this.#parts.directory.membersInOrder(room), after);
  }

  #page(sorted: readonly Account[], after: string | null): UserPage {
    const { items, next } = pageAfter(sorted, after, PAGE);
    return [items.map((account) => [account.name, this.#parts.sessions.isOnline(account)]), next];
  }

  #rooms(after: string | null): RoomPage {
    const { items, next } = pageAfter([...this.#parts.directory.rooms()].sort(byName), after, PAGE);
    return [items.map((room) => [room.name, room.members.size]), next];
  }

  #answer(link: ShardLink, number: number, result: unknown): undefined {
    link.out.push(['ok', number, result]);
  }
}
