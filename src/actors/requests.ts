/**
 * What connections ask of the registry. Messages, joins and leaves become drafts of the batch, and are answered
 * when they are routed; everything else is answered at once, from what is committed.
 */

import { type Account, pageAfter, type Room } from '../chat/directory.ts';
import type { Draft, MembershipChange } from '../chat/entry.ts';
import { isRoomName } from '../chat/names.ts';
import { StorageFailure } from '../store/message-log.ts';
import { LIMITS, type RefusalCode, type RoomPage, type UserPage } from '../transport/protocol.ts';
import type { Arrivals } from './arrivals.ts';
import type { Command } from './link.ts';
import type { Ask, Parts, Taken } from './parts.ts';
import type { ShardLink } from './router.ts';

/** Names in one answer: the longest names make a page of about 35 KiB. */
const PAGE = 500;
export class Requests {
  readonly #parts: Parts;
  readonly #arrivals: Arrivals;

  constructor(parts: Parts, arrivals: Arrivals) {
    this.#parts = parts;
    this.#arrivals = arrivals;
  }

  /** False if the command has to wait for the next commit. */
  take(link: ShardLink, command: Command): boolean {
    const taken = this.#try(link, command);
    if (taken === 'wait') return false;
    if (taken !== undefined) link.out.push(['error', command[1], taken]);
    return true;
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
        return this.#arrivals.attach(link, command);
      case 'live':
        return this.#arrivals.goLive(link, command);
      case 'seen':
        return this.#arrivals.see(link, command);
      case 'detach':
        return this.#arrivals.detach(link, command);
      case 'account':
        return this.#register(link, command);
      case 'who':
        return this.#who(link, command);
      case 'rooms':
        return this.#listRooms(link, command);
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
        return this.#answer(link, number, [use.id, use.at]);
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

  #register(link: ShardLink, [, number, , name]: Ask<'account'>): Taken {
    return this.#parts.roster.admit({ name, guest: false }, (account) => {
      // The password store has it: what the log cannot take in at present begins with the first login.
      const isStored =
        typeof account !== 'string' || account === 'storage_full' || account === 'storage_failed';
      if (isStored) this.#answer(link, number, null);
      else link.out.push(['error', number, account]);
    });
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
