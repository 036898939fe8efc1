/**
 * The sessions of the whole server: how many each account, and each room, has on each shard. The registry uses the counts to
 * route an entry to exactly the shards that have a recipient.
 */

import { type Account, type Directory, inOrder } from './directory.ts';

/** The number of sessions on each shard, by the shard's index. */
type Counts = number[];

interface Online {
  readonly account: Account;
  readonly since: number;
}

export class Sessions {
  readonly #directory: Directory;
  /** By shard, then by connection. */
  readonly #sessions = new Map<number, Map<number, Account>>();
  readonly #byAccount = new Map<number, Counts>();
  readonly #byRoom = new Map<number, Counts>();
  /** Accounts with at least one session, by id. */
  readonly #online = new Map<number, Online>();
  /** The same accounts in order of name; undefined after a change. */
  #sorted: readonly Account[] | undefined;
  /** The sessions that are not live yet, by account: shard and connection. */
  readonly #replaying = new Map<number, Set<string>>();

  constructor(directory: Directory) {
    this.#directory = directory;
  }

  find(shard: number, connection: number): Account | undefined {
    return this.#sessions.get(shard)?.get(connection);
  }

  /** The number of accounts that have a session. */
  get online(): number {
    return this.#online.size;
  }

  isOnline(account: Account): boolean {
    return this.#online.has(account.id);
  }

  /** The time since which the account has had at least one session, in ms since 1970; undefined if it has none. */
  onlineSince(account: Account): number | undefined {
    return this.#online.get(account.id)?.since;
  }

  onlineInOrder(): readonly Account[] {
    this.#sorted ??= inOrder(Array.from(this.#online.values(), ({ account }) => account));
    return this.#sorted;
  }

  /** Adds a session, which is not live until `wentLive`. `now` is in milliseconds since 1970. */
  attach(shard: number, connection: number, account: Account, now: number): void {
    const ofShard = this.#sessions.get(shard) ?? new Map<number, Account>();
    this.#sessions.set(shard, ofShard);
    ofShard.set(connection, account);
    if (!this.isOnline(account)) this.#sorted = undefined;
    this.#online.set(account.id, { account, since: this.onlineSince(account) ?? now });
    const replaying = this.#replaying.get(account.id) ?? new Set();
    this.#replaying.set(account.id, replaying.add(`${shard} ${connection}`));
    add(this.#byAccount, account.id, shard, 1);
    for (const room of this.#directory.roomsOf(account).keys()) add(this.#byRoom, room.id, shard, 1);
  }

  wentLive(shard: number, connection: number): void {
    const account = this.find(shard, connection);
    const replaying = account && this.#replaying.get(account.id);
    replaying?.delete(`${shard} ${connection}`);
    if (account !== undefined && replaying?.size === 0) this.#replaying.delete(account.id);
  }

  isReplaying(account: number): boolean {
    return this.#replaying.has(account);
  }

  /** Removes a session. Returns its account, if there was such a session. */
  detach(shard: number, connection: number): Account | undefined {
    const account = this.find(shard, connection);
    if (account === undefined) return undefined;
    this.wentLive(shard, connection);
    this.#sessions.get(shard)?.delete(connection);
    if (!add(this.#byAccount, account.id, shard, -1)) {
      this.#online.delete(account.id);
      this.#sorted = undefined;
    }
    for (const room of this.#directory.roomsOf(account).keys()) add(this.#byRoom, room.id, shard, -1);
    return account;
  }

  /** Removes all sessions of a shard. Returns their accounts. */
  detachShard(shard: number): Set<Account> {
    const accounts = new Set<Account>();
    for (const connection of [...(this.#sessions.get(shard)?.keys() ?? [])]) {
      const account = this.detach(shard, connection);
      if (account !== undefined) accounts.add(account);
    }
    this.#sessions.delete(shard);
    return accounts;
  }

  joined(account: number, room: number): void {
    this.#move(account, room, 1);
  }

  left(account: number, room: number): void {
    this.#move(account, room, -1);
  }

  shardsOfRoom(room: number): readonly number[] {
    return this.#byRoom.get(room) ?? NONE;
  }

  shardsOfAccount(account: number): readonly number[] {
    return this.#byAccount.get(account) ?? NONE;
  }

  #move(account: number, room: number, sign: 1 | -1): void {
    this.shardsOfAccount(account).forEach((sessions, shard) => {
      if (sessions > 0) add(this.#byRoom, room, shard, sign * sessions);
    });
  }
}

const NONE: readonly number[] = [];

/** Changes one count. Returns false if no session is left on any shard. */
function add(counts: Map<number, Counts>, id: number, shard: number, change: number): boolean {
  const ofId = counts.get(id) ?? [];
  while (ofId.length <= shard) ofId.push(0);
  ofId[shard] = (ofId[shard] ?? 0) + change;
  if (ofId.every((count) => count === 0)) {
    counts.delete(id);
    return false;
  }
  counts.set(id, ofId);
  return true;
}
