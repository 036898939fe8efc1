/**
 * The accounts, rooms and members according to the log. Only the registry keeps a directory.
 */

import { foldName } from './names.ts';

export interface Account {
  readonly id: number;
  readonly name: string;
  readonly guest: boolean;
  /** Its rooms, each with the id of its join. Undefined before the first, because most of a million accounts have none. */
  rooms: Map<Room, number> | undefined;
  /** The `seen` mark: the person has seen everything up to this id. Undefined until it is read from disk. */
  seen: number | undefined;
}

export interface Room {
  readonly id: number;
  readonly name: string;
  readonly members: Map<number, Account>;
  /** The members in order of name, until the membership changes. */
  sorted: readonly Account[] | undefined;
}

const NO_ROOMS: ReadonlyMap<Room, number> = new Map();

export class Directory {
  readonly #accounts = new Map<string, Account>();
  readonly #rooms = new Map<string, Room>();
  /** Accounts that cannot log in at present, by folded name. They keep their rooms, but nobody sees them. */
  readonly #hidden = new Map<string, Account>();

  #sortedRooms: readonly Room[] | undefined;
  /** The number of accounts in the directory that are not guests. */
  registered = 0;
  /** The largest account id so far. */
  newestAccountId = 0;

  /** The account that currently has this name, in any case. */
  account(name: string): Account | undefined {
    return this.#accounts.get(foldName(name));
  }

  accounts(): Iterable<Account> {
    return this.#accounts.values();
  }

  room(name: string): Room | undefined {
    return this.#rooms.get(foldName(name));
  }

  /** All rooms, in order of name. A room exists as long as it has a member. */
  roomsInOrder(): readonly Room[] {
    this.#sortedRooms ??= inOrder(this.#rooms.values());
    return this.#sortedRooms;
  }

  /** The rooms of an account in the order of joining, each with the id of its join. */
  roomsOf(account: Account): ReadonlyMap<Room, number> {
    return account.rooms ?? NO_ROOMS;
  }

  addAccount(account: Account): void {
    this.newestAccountId = Math.max(this.newestAccountId, account.id);
    if (!account.guest) this.registered += 1;
    this.#accounts.set(foldName(account.name), account);
  }

  /** Removes the account and frees its name. The account must already have left its rooms. */
  removeAccount(account: Account): void {
    if (this.account(account.name) !== account) return;
    this.#accounts.delete(foldName(account.name));
    if (!account.guest) this.registered -= 1;
  }

  /** Removes an account from the directory and from the member lists of its rooms, in memory only. */
  hideAccount(account: Account): void {
    for (const room of this.roomsOf(account).keys()) this.#unlist(room, account);
    this.removeAccount(account);
    this.#hidden.set(foldName(account.name), account);
  }

  /** Undoes `hideAccount` for the hidden account of that name, if there is one. */
  revealAccount(name: string): Account | undefined {
    const account = this.#hidden.get(foldName(name));
    if (account === undefined) return undefined;
    this.#hidden.delete(foldName(name));
    this.addAccount(account);
    const rooms = [...this.roomsOf(account)];
    account.rooms = undefined;
    for (const [{ id, name: room }, since] of rooms) {
      this.addMember(this.room(room) ?? this.addRoom(id, room), account, since);
    }
    return account;
  }

  addRoom(id: number, name: string): Room {
    const room: Room = { id, name, members: new Map(), sorted: undefined };
    this.#rooms.set(foldName(name), room);
    this.#sortedRooms = undefined;
    return room;
  }

  /** `since`: the id of the join. It must be larger than those of the account's other rooms. */
  addMember(room: Room, account: Account, since: number): void {
    room.members.set(account.id, account);
    room.sorted = undefined;
    account.rooms ??= new Map();
    account.rooms.set(room, since);
  }

  /**
   * Undoes a `removeMember`, and restores the order of the account's rooms. A room that has ended since comes back as the
   * same object, because later steps of the undo refer to it.
   */
  restoreMember(room: Room, account: Account, since: number): void {
    if (this.room(room.name) !== room) {
      this.#rooms.set(foldName(room.name), room);
      this.#sortedRooms = undefined;
    }
    this.addMember(room, account, since);
    account.rooms = new Map([...this.roomsOf(account)].sort(([, a], [, b]) => a - b));
  }

  removeMember(room: Room, account: Account): void {
    this.#unlist(room, account);
    account.rooms?.delete(room);
  }

  membersInOrder(room: Room): readonly Account[] {
    room.sorted ??= inOrder(room.members.values());
    return room.sorted;
  }

  #unlist(room: Room, account: Account): void {
    room.members.delete(account.id);
    room.sorted = undefined;
    if (room.members.size > 0) return;
    this.#rooms.delete(foldName(room.name));
    this.#sortedRooms = undefined;
  }
}

/** Sorts by folded name, in order of code units. All lists of names use this order. */
export function inOrder<T extends { readonly name: string }>(items: Iterable<T>): T[] {
  const keyed = Array.from(items, (item) => ({ key: foldName(item.name), item }));
  keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  return keyed.map(({ item }) => item);
}

/**
 * One page of a list in order of name: at most `limit` items after the name `after`, which need not be in the list.
 * `next`: the `after` of the next page; null on the last page.
 */
export function pageAfter<T extends { readonly name: string }>(
  sorted: readonly T[],
  after: string | null,
  limit: number,
): { readonly items: readonly T[]; readonly next: string | null } {
  const start = after === null ? 0 : firstAfter(sorted, foldName(after));
  const items = sorted.slice(start, start + limit);
  const last = items.at(-1);
  return { items, next: last !== undefined && start + limit < sorted.length ? last.name : null };
}

function firstAfter(sorted: ReadonlyArray<{ readonly name: string }>, folded: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const item = sorted[middle];
    if (item !== undefined && foldName(item.name) <= folded) low = middle + 1;
    else high = middle;
  }
  return low;
}
