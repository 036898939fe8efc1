/** What a client has been shown of one account, over all its connections, in the order in which it came. */

import { hash } from 'node:crypto';

export interface Item {
  readonly id: number;
  readonly kind: 'message' | 'joined' | 'left';
  /** Who said it, joined, or left. */
  readonly user: string;
  /** The room, or the person that it went to. */
  readonly place: string;
  /** Empty for joins and leaves. */
  readonly text: string;
  /** Told only to who said it. */
  readonly key: string | null;
}

/** The first that is shown is the first behind some id from `least` to `most`. */
export interface Start {
  readonly least: number;
  readonly most: number;
}

export class View {
  readonly user: string;
  readonly start: Start;
  /** What has not been compared yet. */
  items: Item[] = [];
  readonly hashes = new RoomHashes();
  /** True if it must reach to the end of the log; otherwise its session was lost, and it may end anywhere. */
  isWhole = false;
  /** How many of what it must see come before the first of `items`; undefined before the first comparison. */
  place: number | undefined;
  /** How much has been shown. */
  count = 0;

  constructor(user: string, start: Start) {
    this.user = user;
    this.start = start;
  }

  add(item: Item): void {
    this.items.push(item);
    this.count += 1;
    this.hashes.add(item);
  }

  /** All of it was right, and the next one is to be the one at `place`. */
  settle(place: number): void {
    if (this.count > 0) this.place = place;
    this.items = [];
  }
}

/** A rolling hash of the messages of each room: two are equal if the messages, and their order, are. */
export class RoomHashes {
  readonly #hashes = new Map<string, string>();

  add({ id, kind, user, place, text }: Item): void {
    if (kind !== 'message' || !isRoom(place)) return;
    this.#hashes.set(place, hash('sha1', `${this.of(place)} ${id} ${user} ${text}`));
  }

  of(room: string): string {
    return this.#hashes.get(room) ?? '';
  }
}

export function isRoom(place: string): boolean {
  return place.startsWith('#');
}

/** What an event of the log tells. */
export function fromEvent([kind, id, at, ...rest]: readonly unknown[]): Item {
  if (kind === 'message') return fromHistory([id, at, ...rest]);
  const [place, user] = rest;
  const told = { user: String(user), place: String(place), text: '', key: null };
  return { id: Number(id), kind: kind === 'left' ? 'left' : 'joined', ...told };
}

/** What a line of a page of `history` tells, where nobody is told a key. */
export function fromHistory([id, , user, place, text, key = null]: readonly unknown[]): Item {
  const told = { user: String(user), place: String(place), text: String(text) };
  return { id: Number(id), kind: 'message', ...told, key: key === null ? null : String(key) };
}

export function show({ id, kind, user, place, text, key }: Item): string {
  const said = kind === 'message' ? ` "${text.slice(0, 24)}"${key === null ? '' : ` key ${key}`}` : '';
  return `${id} ${kind} ${user} ${place}${said}`;
}
