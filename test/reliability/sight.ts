/**
 * The model: who must see what, decided from the log alone. A member of a room sees its entries from the own join to the
 * own leave, both included; two accounts see what is said between them. Accounts are meant, not names.
 */

import type { Report } from './faults.ts';
import type { StoredEntry } from './stored-entries.ts';
import { type Item, RoomHashes, show } from './view.ts';

interface Room {
  /** By account, with the name. */
  readonly members: Map<number, string>;
  /** Those who have been members since its first message. */
  throughout: Set<number> | undefined;
}

export class Sight {
  /** The messages of each room in their order. */
  readonly hashes = new RoomHashes();
  readonly #seen = new Map<number, Item[]>();
  readonly #named = new Map<string, Set<number>>();
  readonly #rooms = new Map<string, Room>();
  readonly #ids = new Set<number>();
  /** The first entry. */
  readonly first: number;

  /** `entries`: of accounts and rooms that were not there before. `said`: every text that anybody has tried to say. */
  constructor(entries: readonly StoredEntry[], said: ReadonlySet<string>, report: Report) {
    const texts = new Set<string>();
    this.first = entries[0]?.id ?? 0;
    for (const entry of entries) {
      const own = toItem(entry, entry.key);
      this.#ids.add(entry.id);
      this.#name(entry.user, entry.account);
      if (entry.room === null) this.#name(entry.peerName, entry.peer);
      if (entry.room === null) this.#fold(entry, own, [entry.account, entry.peer]);
      else this.#foldRoom(entry, own, entry.room, report);
      if (entry.kind !== 'message') continue;
      if (!said.has(entry.text)) report('stray', `nobody said ${show(own)}`);
      if (texts.has(entry.text)) report('doubled', `stored again: ${show(own)}`);
      texts.add(entry.text);
    }
  }

  has(id: number): boolean {
    return this.#ids.has(id);
  }

  /** All that the account must see, in order. */
  of(account: number): readonly Item[] {
    return this.#seen.get(account) ?? [];
  }

  /** The accounts that have had that name, and have left something in the log. */
  accountsNamed(name: string): number[] {
    return [...(this.#named.get(name) ?? [])];
  }

  get rooms(): string[] {
    return [...this.#rooms.keys()];
  }

  /** The names of those who are in the room at the end. */
  membersOf(room: string): string[] {
    return [...(this.#rooms.get(room)?.members.values() ?? [])];
  }

  wasMemberThroughout(account: number, room: string): boolean {
    return this.#rooms.get(room)?.throughout?.has(account) ?? false;
  }

  #name(name: string, account: number): void {
    this.#named.set(name, (this.#named.get(name) ?? new Set()).add(account));
  }

  #foldRoom(entry: StoredEntry, own: Item, name: string, report: Report): void {
    const room = this.#rooms.get(name) ?? { members: new Map(), throughout: undefined };
    this.#rooms.set(name, room);
    const isMember = room.members.has(entry.account);
    if (isMember === (entry.kind === 'joined'))
      report('stray', `${isMember ? 'a member' : 'no member'}: ${show(own)}`);
    if (entry.kind === 'joined') room.members.set(entry.account, entry.user);
    if (entry.kind === 'message') room.throughout ??= new Set(room.members.keys());
    this.hashes.add(own);
    this.#fold(entry, own, room.members.keys());
    if (entry.kind !== 'left') return;
    room.members.delete(entry.account);
    room.throughout?.delete(entry.account);
  }

  #fold(entry: StoredEntry, own: Item, accounts: Iterable<number>): void {
    const others = entry.key === null ? own : toItem(entry, null);
    for (const account of new Set(accounts)) {
      const seen = this.#seen.get(account) ?? [];
      this.#seen.set(account, seen);
      seen.push(account === entry.account ? own : others);
    }
  }
}

function toItem({ id, kind, user, room, peerName, text }: StoredEntry, key: string | null): Item {
  return { id, kind, user, place: room ?? peerName, text, key };
}
