/**
 * Routes each committed entry, in order, to exactly the shards that have a recipient, and lets a shard that is behind catch
 * up from the log.
 */

import type { Account } from '../../chat/directory.ts';
import type { Entry, MembershipChange } from '../../chat/entry.ts';
import type { Origin } from '../../chat/intent.ts';
import { PRESENCE_ROOM_LIMIT } from '../../chat/presence.ts';
import { type Projection, StorageFailure } from '../../chat/projection.ts';
import { RecentEntries } from '../../chat/recent-entries.ts';
import type { Sessions } from '../../chat/sessions.ts';
import type { FarewellCode, RefusalCode } from '../../protocol/vocabulary.ts';
import type { Announcement, Command, ToShard } from '../link/messages.ts';

/**
 * The limit of entries that are posted to a shard and not handled yet. When a shard reaches it, the router posts no further
 * entries to it and its commands are held. Once the shard has handled half, it catches up from the log and continues.
 */
const CREDIT = 4_096;
const CATCH_UP_PAGE = 512;
/** How many of the newest entries to read into memory at start. Most clients that reconnect then lack only a few. */
const RECENT_AT_START = 1_000;

export interface ShardSink {
  push(item: ToShard): void;
}

export class ShardLink {
  readonly index: number;
  readonly out: ShardSink;
  /** Distinguishes this run of the shard's thread from earlier ones; 0 until it has announced itself. */
  incarnation = 0;
  /** How many entries were posted on this link, and how many of them the shard has handled. */
  posted = 0;
  handled = 0;
  /** While true, the shard has got nothing after `cursor`, and has yet to catch up from the log. */
  isBehind = true;
  cursor = 0;
  /** Commands that wait because the shard is behind. Bounded by the shard's own limit of unanswered commands. */
  held: Command[] = [];
  /** True from the shard's announcement until `caught_up` has been sent. */
  owesCaughtUp = false;
  /** The shard knows that everything up to this id has been routed. */
  reportedCursor = 0;

  constructor(index: number, out: ShardSink) {
    this.index = index;
    this.out = out;
  }
}

export class Router {
  readonly #projection: Projection;
  readonly #sessions: Sessions;
  readonly #resultOf: (change: MembershipChange) => unknown;
  readonly links = new Map<number, ShardLink>();
  readonly recent: RecentEntries;
  /** The id of the newest entry that has been folded and routed. */
  routed: number;

  /** `resultOf`: the result in the answer to a join or leave. A message needs none, because the entry is the answer. */
  constructor(projection: Projection, sessions: Sessions, resultOf: (change: MembershipChange) => unknown) {
    this.#projection = projection;
    this.#sessions = sessions;
    this.#resultOf = resultOf;
    this.routed = projection.lastId;
    const newest = projection.readNewest(RECENT_AT_START);
    const floor = newest.length < RECENT_AT_START ? 0 : (newest[0]?.id ?? 0);
    this.recent = new RecentEntries(floor, newest);
  }

  announce(link: ShardLink, [, incarnation, cursor]: Announcement): void {
    link.incarnation = incarnation;
    link.owesCaughtUp = true;
    link.cursor = cursor < 0 ? this.routed : cursor;
    this.catchUp(link);
  }

  /** Sends an entry to the shards that have a recipient, and to the one that waits for it as an answer. */
  route(entry: Entry): void {
    this.routed = entry.id;
    this.recent.add(entry);
    for (const link of this.links.values()) {
      if (link.isBehind) continue;
      if (answers(entry, link) || this.#concerns(entry, link.index)) this.#post(link, entry);
      if (link.posted - link.handled < CREDIT) continue;
      link.isBehind = true;
      link.cursor = entry.id;
    }
  }

  /** Notes how many entries a shard has handled. If it is behind, this may allow it to catch up. */
  credit(link: ShardLink, handled: number): void {
    link.handled = handled;
    if (link.isBehind && link.posted - handled <= CREDIT / 2) this.catchUp(link);
  }

  /** Continues catching up where a failing disk interrupted it. */
  retry(): void {
    for (const link of this.links.values()) {
      if (link.isBehind && link.incarnation !== 0 && link.posted - link.handled <= CREDIT / 2)
        this.catchUp(link);
    }
  }

  /** Sends all entries after the link's cursor, as far as its credit allows. The shard itself finds the recipients. */
  catchUp(link: ShardLink): void {
    while (link.posted - link.handled < CREDIT) {
      const page = this.#read(link.cursor);
      if (page === undefined) return;
      for (const entry of page) {
        this.#post(link, entry);
        link.cursor = entry.id;
      }
      if (page.length === CATCH_UP_PAGE) continue;
      link.isBehind = false;
      link.reportedCursor = this.routed;
      if (link.owesCaughtUp) link.out.push(['caught_up']);
      link.owesCaughtUp = false;
      return;
    }
  }

  /** Answers the command that an intent came from, if that run of its shard is still linked. */
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
  endSessions(account: number, code: FarewellCode): void {
    const sessions = this.#sessions.shardsOfAccount(account);
    for (const link of this.links.values()) {
      if ((sessions[link.index] ?? 0) > 0) link.out.push(['expelled', account, code]);
    }
  }

  /** Sends the current cursor to shards for which there was no entry lately. */
  sendCursors(): void {
    for (const link of this.links.values()) {
      if (link.isBehind || link.reportedCursor === this.routed) continue;
      link.reportedCursor = this.routed;
      link.out.push(['cursor', this.routed]);
    }
  }

  /** Sends that an account has come online or gone offline to the shards that have a member of one of its rooms. */
  sendPresence(account: Account, online: boolean): void {
    const rooms = [...(account.rooms?.keys() ?? [])].filter(
      (room) => room.members.size <= PRESENCE_ROOM_LIMIT,
    );
    for (const link of this.links.values()) {
      const here = rooms.filter((room) => (this.#sessions.shardsOfRoom(room.id)[link.index] ?? 0) > 0);
      // A shard that is behind gets nothing, because the change would be outdated by the time it has caught up.
      if (here.length > 0 && !link.isBehind) {
        link.out.push(['presence', account.id, account.name, online, here.map((room) => room.id)]);
      }
    }
  }

  /** Undefined while the disk fails. The link then stays behind. */
  #read(cursor: number): Entry[] | undefined {
    const recent = this.recent.after(cursor);
    if (recent !== undefined) return recent.slice(0, CATCH_UP_PAGE);
    try {
      return this.#projection.readAfter(cursor, CATCH_UP_PAGE).filter((entry) => entry.id <= this.routed);
    } catch (error) {
      if (error instanceof StorageFailure) return undefined;
      throw error;
    }
  }

  #concerns(entry: Entry, shard: number): boolean {
    if (entry.kind !== 'direct') {
      return (
        (this.#sessions.shardsOfRoom(entry.room)[shard] ?? 0) > 0 ||
        // The room's counts no longer include someone who has left.
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
    link.reportedCursor = entry.id;
    if (number !== 0 && entry.kind !== 'message' && entry.kind !== 'direct') {
      link.out.push(['ok', number, this.#resultOf(entry)]);
    }
  }
}

function answers(entry: Entry, link: ShardLink): boolean {
  return entry.origin !== null && entry.origin.shard === link.incarnation;
}
