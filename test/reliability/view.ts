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
  readonly items: Item[] = [];
  readonly hashes = new RoomHashes();
  /** True if it must reach to the end of the log; otherwise its session was lost, and it may end anywhere. */
  isWhole = false;

  constructor(user: string, start: Start) {
    this.user = user;
    this.start = start;
  }

  add(item: Item): void {
    this.items.push(item);
    this.hashes.add(item);
  }
}

/** A rolling hash of the messages of each room: two are equal if the messages, and their order, are. */
export class RoomHashes {
  readonly #hashes = new Map<string, string>();

  add({ id, kind, user, place, text }: Item): void {
    if (kind !== 'message' || !place.startsWith('#')) return;
    this.#hashes.set(place, hash('sha1', `${this.of(place)} ${id} ${user} ${text}`));
  }

  of(room: string): string {
    return this.#hashes.get(room) ?? '';
  }
}

/** What an event of the log tells. */
export function fromEvent([kind, id, , ...rest]: readonly unknown[]): Item {
  if (kind === 'message') {
    const [user, place, text, key = null] = rest;
    const told = { user: String(user), place: String(place), text: String(text) };
    return { id: Number(id), kind, ...told, key: key === null ? null : String(key) };
  }
  const [place, user] = rest;
  const told = { user: String(user), place: String(place), text: '', key: null };
  return { id: Number(id), kind: kind === 'left' ? 'left' : 'joined', ...told };
}

export function show({ id, kind, user, place, text, key }: Item): string {
  const said = kind === 'message' ? ` "${text.slice(0, 24)}"${key === null ? '' : ` key ${key}`}` : '';
  return `${id} ${kind} ${user} ${place}${said}`;
}
