/**
 * A shard's own recipients: which of its connections each account and each room has. Gives the same bytes to every
 * recipient of an entry.
 */

import { encodeFrame } from '../../protocol/codec.ts';
import { withKey } from '../../protocol/message-frame.ts';
import type { Event } from '../../protocol/vocabulary.ts';
import type { Delivery, ToldPresence } from '../link/messages.ts';

export interface Recipient {
  /** The account's id; 0 before login. */
  readonly account: number;
  /** A frame, which is the bytes from `start` to before `end`, or all of them. */
  push(bytes: Buffer, start?: number, end?: number): void;
}

export class Fanout {
  /** Lists, because most have one session, and a set takes ten times the room. */
  readonly #accounts = new Map<number, Recipient[]>();
  readonly #rooms = new Map<number, Set<Recipient>>();
  readonly #roomsOf = new Map<Recipient, Set<number>>();

  attach(recipient: Recipient, rooms: readonly number[]): void {
    const sessions = this.#accounts.get(recipient.account);
    if (sessions === undefined) this.#accounts.set(recipient.account, [recipient]);
    else sessions.push(recipient);
    this.#roomsOf.set(recipient, NO_ROOMS);
    for (const room of rooms) this.#enter(recipient, room);
  }

  detach(recipient: Recipient): void {
    const rooms = this.#roomsOf.get(recipient);
    if (rooms === undefined) return;
    this.#roomsOf.delete(recipient);
    for (const room of rooms) this.#exit(recipient, room);
    const others = this.sessionsOf(recipient.account).filter((session) => session !== recipient);
    if (others.length === 0) this.#accounts.delete(recipient.account);
    else this.#accounts.set(recipient.account, others);
  }

  has(recipient: Recipient): boolean {
    return this.#roomsOf.has(recipient);
  }

  sessionsOf(account: number): readonly Recipient[] {
    return this.#accounts.get(account) ?? NO_SESSIONS;
  }

  /** To all members of the room but the connection that sent it, which gets its acknowledgement instead. */
  message(delivery: Delivery, origin: Recipient | undefined): void {
    const { account, target: room, bytes, start, end } = delivery;
    const members = this.#rooms.get(room);
    if (members === undefined) return;
    const own = this.#ownFrame(delivery);
    for (const member of members) {
      if (member === origin) continue;
      if (own !== undefined && member.account === account) member.push(own);
      else member.push(bytes, start, end);
    }
  }

  direct(delivery: Delivery, origin: Recipient | undefined): void {
    const { account, target: peer, bytes, start, end } = delivery;
    const own = this.#ownFrame(delivery);
    for (const session of this.sessionsOf(account)) {
      if (session === origin) continue;
      if (own !== undefined) session.push(own);
      else session.push(bytes, start, end);
    }
    if (peer === account) return;
    for (const session of this.sessionsOf(peer)) session.push(bytes, start, end);
  }

  change(delivery: Delivery, origin: Recipient | undefined): void {
    const { kind, account, target: room, bytes, start, end } = delivery;
    const sessions = this.sessionsOf(account);
    if (kind === 'joined') for (const session of sessions) this.#enter(session, room);
    const members = this.#rooms.get(room);
    if (members === undefined) return;
    for (const member of members) if (member !== origin) member.push(bytes, start, end);
    if (kind === 'left') for (const session of sessions) this.#exit(session, room);
  }

  delivered(author: number, ids: readonly number[]): void {
    const sessions = this.sessionsOf(author);
    for (const id of sessions.length === 0 ? [] : ids) {
      const frame = encodeFrame(['delivered', id] satisfies Event);
      for (const session of sessions) session.push(frame);
    }
  }

  /** To everybody who shares one of these rooms, once; not to the account itself. */
  presence([, account, user, online, rooms]: ToldPresence): void {
    const frame = encodeFrame([online ? 'online' : 'offline', user] satisfies Event);
    const told = new Set<Recipient>();
    for (const room of rooms) {
      for (const member of this.#rooms.get(room) ?? []) told.add(member);
    }
    for (const member of told) if (member.account !== account) member.push(frame);
  }

  /** The sender's other connections also get the key, if there are any. Undefined if there is no key to tell. */
  #ownFrame({ account, key, bytes, start, end }: Delivery): Buffer | undefined {
    if (key === null || this.sessionsOf(account).length === 0) return undefined;
    return withKey(bytes.subarray(start, end), key);
  }

  #enter(recipient: Recipient, id: number): void {
    const members = this.#rooms.get(id) ?? new Set();
    this.#rooms.set(id, members.add(recipient));
    const rooms = this.#roomsOf.get(recipient);
    if (rooms === NO_ROOMS) this.#roomsOf.set(recipient, new Set([id]));
    else rooms?.add(id);
  }

  #exit(recipient: Recipient, id: number): void {
    const members = this.#rooms.get(id);
    members?.delete(recipient);
    if (members?.size === 0) this.#rooms.delete(id);
    const rooms = this.#roomsOf.get(recipient);
    rooms?.delete(id);
    if (rooms?.size === 0) this.#roomsOf.set(recipient, NO_ROOMS);
  }
}

const NO_SESSIONS: readonly Recipient[] = [];
/** Of all that are in no room: never added to. */
const NO_ROOMS = new Set<number>();
