/**
 * Names of users and rooms that this client has seen, for completion. Bounded: the name not seen for longest is
 * forgotten.
 */

import { foldName } from '../../chat/names.ts';

export interface KnownNames {
  readonly people: Names;
  readonly rooms: Names;
}

const LIMIT = 2_000;

export class Names {
  readonly #limit: number;
  /** Folded name → name as last seen, ordered by when it was last seen. */
  readonly #names = new Map<string, string>();

  constructor(limit: number = LIMIT) {
    this.#limit = limit;
  }

  /** True if the name was not known. */
  add(name: string): boolean {
    const folded = foldName(name);
    const isNew = !this.#names.delete(folded);
    this.#names.set(folded, name);
    const [oldest] = this.#names.size > this.#limit ? this.#names.keys() : [];
    if (oldest !== undefined) this.#names.delete(oldest);
    return isNew;
  }

  /** The name as last seen, ignoring case. */
  find(name: string): string | undefined {
    return this.#names.get(foldName(name));
  }

  /** Names that start with `prefix`, ignoring case, in alphabetical order. */
  startingWith(prefix: string): string[] {
    const folded = foldName(prefix);
    const found: string[] = [];
    for (const [key, name] of this.#names) if (key.startsWith(folded)) found.push(name);
    return found.sort((a, b) => (foldName(a) < foldName(b) ? -1 : 1));
  }
}
