/**
 * Fan-out: knows which connections of this shard belong to each account and each room, and hands the same bytes to every
 * recipient of an entry.
 */

import { encodeFrame } from '../../protocol/codec.ts';
import { withKey } from '../../protocol/message-frame.ts';
import type { Event } from '../../protocol/vocabulary.ts';
import type { Delivery, ToldPresence } from '../link/messages.ts';

export interface Recipient {
  /** The account's id; 0 before login. */
  readonly account: number;
  /** Queues the frame in `bytes` from `start` up to `end`; all of `bytes` if they are left out. */
  push(bytes: Buffer, start?: number, end?: number): void;
}

export class Fanout {
  /** Lists, because most accounts have one session and a set takes ten times the memory. */
  readonly #accounts = new Map<number, Recipient[]>();
  readonly #rooms = new Map<number, Set<Recipient>>();
  readonly #roomsOf = new Map<Recipient, Set<number>>();

  attach(recipient: Recipient, rooms: readonly number[]): void {
    const sessions = this.#accounts.get(recipient.account);
    if (sessions === undefined) this.#accounts.set(recipient.account, [recipient]);
    else sessions.push(recipient);
    this.#roomsOf.set(recipient, NO_ROOMS);
    for (const room of rooms) this.#addToRoom(recipient, room);
  }

  detach(recipient: Recipient): void {
    const rooms = this.#roomsOf.get(recipient);
    if (rooms === undefined) return;
    this.#roomsOf.delete(recipient);
    for (const room of rooms) this.#removeFromRoom(recipient, room);
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

  /** `origin`: the connection that sent the message. It receives the answer to its `send` instead. */
  message(delivery: Delivery, origin: Recipient | undefined): void {
    const { account, target: room, bytes, start, end } = delivery;
    const members = this.#rooms.get(room);
    if (members === undefined) return;
    const withOwnKey = this.#authorFrame(delivery);
    for (const member of members) {
      if (member === origin) continue;
      if (withOwnKey !== undefined && member.account === account) member.push(withOwnKey);
      else member.push(bytes, start, end);
    }
  }

  direct(delivery: Delivery, origin: Recipient | undefined): void {
    const { account, target: peer, bytes, start, end } = delivery;
    const withOwnKey = this.#authorFrame(delivery);
    for (const session of this.sessionsOf(account)) {
      if (session === origin) continue;
      if (withOwnKey !== undefined) session.push(withOwnKey);
      else session.push(bytes, start, end);
    }
    if (peer === account) return;
    for (const session of this.sessionsOf(peer)) session.push(bytes, start, end);
  }

  /** A join or leave. The other sessions of the account receive it, too. */
  membership(delivery: Delivery, origin: Recipient | undefined): void {
    const { kind, account, target: room, bytes, start, end } = delivery;
    const sessions = this.sessionsOf(account);
    if (kind === 'joined') for (const session of sessions) this.#addToRoom(session, room);
    const members = this.#rooms.get(room);
    if (members === undefined) return;
    for (const member of members) if (member !== origin) member.push(bytes, start, end);
    if (kind === 'left') for (const session of sessions) this.#removeFromRoom(session, room);
  }

  delivered(author: number, ids: readonly number[]): void {
    const sessions = this.sessionsOf(author);
    for (const id of sessions.length === 0 ? [] : ids) {
      const frame = encodeFrame(['delivered', id] satisfies Event);
      for (const session of sessions) session.push(frame);
    }
  }

  /** Sends a presence event once to each connection in one of these rooms, except those of the account itself. */
  presence([, account, user, online, rooms]: ToldPresence): void {
    const frame = encodeFrame([online ? 'online' : 'offline', user] satisfies Event);
    const recipients = new Set<Recipient>();
    for (const room of rooms) {
      for (const member of this.#rooms.get(room) ?? []) recipients.add(member);
    }
    for (const member of recipients) if (member.account !== account) member.push(frame);
  }

  /** The frame with its key, for the author's other connections; undefined if there is no key or no such connection. */
  #authorFrame({ account, key, bytes, start, end }: Delivery): Buffer | undefined {
    if (key === null || this.sessionsOf(account).length === 0) return undefined;
    return withKey(bytes.subarray(start, end), key);
  }

  #addToRoom(recipient: Recipient, id: number): void {
    const members = this.#rooms.get(id) ?? new Set();
    this.#rooms.set(id, members.add(recipient));
    const rooms = this.#roomsOf.get(recipient);
    if (rooms === NO_ROOMS) this.#roomsOf.set(recipient, new Set([id]));
    else rooms?.add(id);
  }

  #removeFromRoom(recipient: Recipient, id: number): void {
    const members = this.#rooms.get(id);
    members?.delete(recipient);
    if (members?.size === 0) this.#rooms.delete(id);
    const rooms = this.#roomsOf.get(recipient);
    rooms?.delete(id);
    if (rooms?.size === 0) this.#roomsOf.set(recipient, NO_ROOMS);
  }
}

const NO_SESSIONS: readonly Recipient[] = [];
/** Shared by all recipients in no room; must not be modified. */
const NO_ROOMS = new Set<number>();
