/**
 * The registry's links to the shards: routes each committed entry, in order, to exactly the shards that have a
 * recipient, and lets a shard that is behind catch up from the log.
 */

import type { Entry, MembershipChange } from '../../chat/entry.ts';
import type { Origin } from '../../chat/intent.ts';
import { type Projection, StorageFailure } from '../../chat/projection.ts';
import { Recent } from '../../chat/recent.ts';
import type { Sessions } from '../../chat/sessions.ts';
import type { FarewellCode, RefusalCode } from '../../protocol/vocabulary.ts';
import type { Announcement, Command, ToShard } from '../link/messages.ts';

/**
 * Entries on their way to one shard that it has not handled yet. Policy when it is reached: the shard gets no
 * further entries and its commands wait; once it has handled half, it catches up from the log, then goes on.
 */
const CREDIT = 4_096;
const PAGE = 512;
/** Of the newest entries in memory, as many as are read at start: who comes back then lacks only a few. */
const READ_AT_START = 1_000;

export interface Outgoing {
  push(item: ToShard): void;
}

export class ShardLink {
  readonly index: number;
  readonly out: Outgoing;
  /** Tells this run of the shard's thread from earlier ones; 0 until it has announced itself. */
  incarnation = 0;
  /** Entries posted on this link, and of these handled over there. */
  posted = 0;
  handled = 0;
  /** Behind: routed nothing after `cursor`, until it has caught up from the log. */
  behind = true;
  cursor = 0;
  /** The commands of a shard that is behind. Bounded by the shard's own limit of unanswered commands. */
  held: Command[] = [];
  /** True when the shard has announced itself but not been told that it has caught up. */
  announced = false;
  /** The last id that the shard knows to be routed. */
  told = 0;

  constructor(index: number, out: Outgoing) {
    this.index = index;
    this.out = out;
  }
}

export class Router {
  readonly #projection: Projection;
  readonly #sessions: Sessions;
  readonly #resultOf: (change: MembershipChange) => unknown;
  readonly links = new Map<number, ShardLink>();
  readonly recent: Recent;
  /** The newest entry that has been folded and routed. */
  routed: number;

  /** `resultOf`: what answers a join or leave. A routed message is its own answer. */
  constructor(projection: Projection, sessions: Sessions, resultOf: (change: MembershipChange) => unknown) {
    this.#projection = projection;
    this.#sessions = sessions;
    this.#resultOf = resultOf;
    this.routed = projection.lastId;
    const newest = projection.readNewest(READ_AT_START);
    const floor = newest.length < READ_AT_START ? 0 : (newest[0]?.id ?? 0);
    this.recent = new Recent(floor, newest);
  }

  announce(link: ShardLink, [, incarnation, cursor]: Announcement): void {
    link.incarnation = incarnation;
    link.announced = true;
    link.cursor = cursor < 0 ? this.routed : cursor;
    this.catchUp(link);
  }

  /** Sends an entry to the shards that have a recipient, or wait for it as an answer. */
  route(entry: Entry): void {
    this.routed = entry.id;
    this.recent.add(entry);
    for (const link of this.links.values()) {
      if (link.behind) continue;
      if (answers(entry, link) || this.#concerns(entry, link.index)) this.#post(link, entry);
      if (link.posted - link.handled < CREDIT) continue;
      link.behind = true;
      link.cursor = entry.id;
    }
  }

  /** Takes a shard's word on what it has handled; it may be what the shard was waiting for. */
  credit(link: ShardLink, handled: number): void {
    link.handled = handled;
    if (link.behind && link.posted - handled <= CREDIT / 2) this.catchUp(link);
  }

  /** Takes up again what a failing disk broke off. */
  retry(): void {
    for (const link of this.links.values()) {
      if (link.behind && link.incarnation !== 0 && link.posted - link.handled <= CREDIT / 2)
        this.catchUp(link);
    }
  }

  /** Sends the log from where the link is, as far as its credit goes. The shard knows which of it concerns somebody. */
  catchUp(link: ShardLink): void {
    while (link.posted - link.handled < CREDIT) {
      const page = this.#read(link.cursor);
      if (page === undefined) return;
      for (const entry of page) {
        this.#post(link, entry);
        link.cursor = entry.id;
      }
      if (page.length === PAGE) continue;
      link.behind = false;
      link.told = this.routed;
      if (link.announced) link.out.push(['caught_up']);
      link.announced = false;
      return;
    }
  }

  /** Answers the command that an intent came from, if its shard is still there. */
  answer(origin: Origin, result: unknown): void {
    for (const link of this.links.values()) {
      if (link.incarnation === origin.shard) link.out.push(['ok', origin.number, result]);
    }
  }

  refuse(origin: Origin, code: RefusalCode): void {
    for (const link of this.links.values()) {
      if (link.incarnation === origin.shard) link.out.push(['error', origin.number, code]);
    }
  }

  /** Ends the sessions of an account. */
  expel(account: number, code: FarewellCode): void {
    const sessions = this.#sessions.shardsOfAccount(account);
    for (const link of this.links.values()) {
      if ((sessions[link.index] ?? 0) > 0) link.out.push(['expelled', account, code]);
    }
  }

  /** Tells shards that nothing concerned for a while how far the log has come. */
  tellCursors(): void {
    for (const link of this.links.values()) {
      if (link.behind || link.told === this.routed) continue;
      link.told = this.routed;
      link.out.push(['cursor', this.routed]);
    }
  }

  /** Undefined while the disk fails: then the link stays behind. */
  #read(cursor: number): Entry[] | undefined {
    const recent = this.recent.after(cursor);
    if (recent !== undefined) return recent.slice(0, PAGE);
    try {
      return this.#projection.readAfter(cursor, PAGE).filter((entry) => entry.id <= this.routed);
    } catch (error) {
      if (error instanceof StorageFailure) return undefined;
      throw error;
    }
  }

  #concerns(entry: Entry, shard: number): boolean {
    if (entry.kind !== 'direct') {
      return (
        (this.#sessions.shardsOfRoom(entry.room)[shard] ?? 0) > 0 ||
        // Who left has gone from the room's counts already, and who joined may be its only member here.
        (entry.kind !== 'message' && (this.#sessions.shardsOfAccount(entry.account)[shard] ?? 0) > 0)
      );
    }
    return (
      (this.#sessions.shardsOfAccount(entry.peer)[shard] ?? 0) > 0 ||
      (this.#sessions.shardsOfAccount(entry.account)[shard] ?? 0) > 0
    );
  }

  #post(link: ShardLink, entry: Entry): void {
    const number = answers(entry, link) ? (entry.origin?.number ?? 0) : 0;
    link.out.push(['entry', number, entry]);
    link.posted += 1;
    link.told = entry.id;
    if (number !== 0 && (entry.kind === 'joined' || entry.kind === 'left')) {
      link.out.push(['ok', number, this.#resultOf(entry)]);
    }
  }
}

function answers(entry: Entry, link: ShardLink): boolean {
  return entry.origin !== null && entry.origin.shard === link.incarnation;
}
