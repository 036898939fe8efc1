/**
 * The model of who must see what, from the log alone. A member of a room sees its entries from its own join
 * to its own leave, both included; two accounts see their conversation. Accounts count, not names.
 */

import { type Item, isRoom, RoomHashes, show } from './observed-view.ts';
import type { StoredEntry } from './stored-log.ts';
import type { Report } from './view-faults.ts';

/** A message that somebody has tried to send. */
export interface SentMessage {
  readonly from: string;
  readonly to: string;
  readonly key: string | null;
}

interface Room {
  /** Names by account. */
  readonly members: Map<number, string>;
  /** Members since the room's first message. */
  throughout: Set<number> | undefined;
}

export class ExpectedViews {
  /** All entries, in order. */
  readonly entries: StoredEntry[] = [];
  /** The messages of each room, in order. */
  readonly hashes = new RoomHashes();
  readonly #said: ReadonlyMap<string, SentMessage>;
  readonly #report: Report;
  readonly #seen = new Map<number, Item[]>();
  readonly #named = new Map<string, Set<number>>();
  readonly #rooms = new Map<string, Room>();
  readonly #ids = new Set<number>();
  readonly #texts = new Set<string>();

  /** `said` holds all messages that anybody has tried to send, by their texts, which are unique. */
  constructor(said: ReadonlyMap<string, SentMessage>, report: Report) {
    this.#said = said;
    this.#report = report;
  }

  /** Takes the entries after `newest`. The first ones must be of new accounts and rooms. */
  add(entries: readonly StoredEntry[]): void {
    for (const entry of entries) {
      const { account, peer, user, place } = entry;
      this.entries.push(entry);
      this.#ids.add(entry.id);
      this.#name(user, account);
      if (isRoom(place)) {
        this.#foldRoom(entry);
      } else {
        this.#name(place, peer);
        this.#fold(entry, [account, peer]);
      }
      if (entry.kind === 'message') this.#checkSaid(entry);
    }
  }

  has(id: number): boolean {
    return this.#ids.has(id);
  }

  /** The ids of the first and last entry; 0 for none. */
  get first(): number {
    return this.entries[0]?.id ?? 0;
  }

  get newest(): number {
    return this.entries.at(-1)?.id ?? 0;
  }

  /** Everything the account must see, in order. */
  of(account: number): readonly Item[] {
    return this.#seen.get(account) ?? [];
  }

  /** The accounts that have had this name and have entries. */
  accountsNamed(name: string): number[] {
    return [...(this.#named.get(name) ?? [])];
  }

  /** Everything the only account of that name must see. */
  ofUser(name: string): readonly Item[] {
    return this.of(this.accountsNamed(name)[0] ?? 0);
  }

  get rooms(): string[] {
    return [...this.#rooms.keys()];
  }

  /** The names of the members at the end. */
  membersOf(room: string): string[] {
    return [...(this.#rooms.get(room)?.members.values() ?? [])];
  }

  wasMemberThroughout(account: number, room: string): boolean {
    return this.#rooms.get(room)?.throughout?.has(account) ?? false;
  }

  #name(name: string, account: number): void {
    this.#named.set(name, (this.#named.get(name) ?? new Set()).add(account));
  }

  #checkSaid(entry: StoredEntry): void {
    const { text, user, place, key } = entry;
    const said = this.#said.get(text);
    if (said?.from !== user || said.to !== place || said.key !== key)
      this.#report('never attempted', `nobody said ${show(entry)}`);
    if (this.#texts.has(text)) this.#report('duplicated', `stored again: ${show(entry)}`);
    this.#texts.add(text);
  }

  #foldRoom(entry: StoredEntry): void {
    const { account, kind, place, user } = entry;
    const room = this.#rooms.get(place) ?? { members: new Map(), throughout: undefined };
    this.#rooms.set(place, room);
    const isMember = room.members.has(account);
    if (isMember === (kind === 'joined'))
      this.#report('stray', `${isMember ? 'a member' : 'no member'}: ${show(entry)}`);
    if (kind === 'joined') room.members.set(account, user);
    if (kind === 'message') room.throughout ??= new Set(room.members.keys());
    this.hashes.add(entry);
    this.#fold(entry, room.members.keys());
    if (kind !== 'left') return;
    room.members.delete(account);
    room.throughout?.delete(account);
  }

  #fold(entry: StoredEntry, accounts: Iterable<number>): void {
    const others = entry.key === null ? entry : { ...entry, key: null };
    for (const account of new Set(accounts)) {
      const seen = this.#seen.get(account) ?? [];
      this.#seen.set(account, seen);
      seen.push(account === entry.account ? entry : others);
    }
  }
}
