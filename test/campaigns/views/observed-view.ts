/** Everything a client was shown for one account, over all its connections, in order of arrival. */

import { hash } from 'node:crypto';

export interface Item {
  readonly id: number;
  readonly kind: 'message' | 'joined' | 'left';
  /** The author, or who joined or left. */
  readonly user: string;
  /** The room or the recipient. */
  readonly place: string;
  /** Empty for joins and leaves. */
  readonly text: string;
  /** Known only to the author. */
  readonly key: string | null;
}

/** The first entry shown is the first one after some id from `least` to `most`. */
export interface Start {
  readonly least: number;
  readonly most: number;
}

export class ObservedView {
  readonly user: string;
  readonly start: Start;
  /** The entries that have not been compared yet. */
  items: Item[] = [];
  readonly hashes = new RoomHashes();
  /**
   * True if the view must reach the end of the log; otherwise the session was lost, and it may end anywhere.
   */
  isWhole = false;
  /** The number of due entries before the first of `items`; undefined before the first comparison. */
  place: number | undefined;
  /** The number of entries shown. */
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

  /** All items were right; the next one must be number `place`. */
  settle(place: number): void {
    if (this.count > 0) this.place = place;
    this.items = [];
  }
}

/** A rolling hash of the messages of each room: equal hashes mean equal messages in the same order. */
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

/** The content of an entry's event. */
export function fromEvent([kind, id, at, ...rest]: readonly unknown[]): Item {
  if (kind === 'message') return fromHistory([id, at, ...rest]);
  const [place, user] = rest;
  const told = { user: String(user), place: String(place), text: '', key: null };
  return { id: Number(id), kind: kind === 'left' ? 'left' : 'joined', ...told };
}

/** The content of a row of `history`, which has no key. */
export function fromHistory([id, , user, place, text, key = null]: readonly unknown[]): Item {
  const told = { user: String(user), place: String(place), text: String(text) };
  return { id: Number(id), kind: 'message', ...told, key: key === null ? null : String(key) };
}

export function show({ id, kind, user, place, text, key }: Item): string {
  const said = kind === 'message' ? ` "${text.slice(0, 24)}"${key === null ? '' : ` key ${key}`}` : '';
  return `${id} ${kind} ${user} ${place}${said}`;
}
