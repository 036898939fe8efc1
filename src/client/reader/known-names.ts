/**
 * Names of people and rooms that this client has met, for completion. Bounded: the name that was not met for
 * longest is forgotten.
 */

import { foldName } from '../../chat/names.ts';

export interface KnownNames {
  readonly people: Names;
  readonly rooms: Names;
}

const LIMIT = 2_000;

export class Names {
  readonly #limit: number;
  /** Folded name → name as it was met last. The order of the map is the order of meeting. */
  readonly #met = new Map<string, string>();

  constructor(limit: number = LIMIT) {
    this.#limit = limit;
  }

  /** True if the name was not known. */
  meet(name: string): boolean {
    const folded = foldName(name);
    const isNew = !this.#met.delete(folded);
    this.#met.set(folded, name);
    const [oldest] = this.#met.size > this.#limit ? this.#met.keys() : [];
    if (oldest !== undefined) this.#met.delete(oldest);
    return isNew;
  }

  /** The name as it was met, without regard to case. */
  find(name: string): string | undefined {
    return this.#met.get(foldName(name));
  }

  /** Names that begin with `prefix`, without regard to case, in alphabetical order. */
  beginningWith(prefix: string): string[] {
    const folded = foldName(prefix);
    const found: string[] = [];
    for (const [key, name] of this.#met) if (key.startsWith(folded)) found.push(name);
    return found.sort((a, b) => (foldName(a) < foldName(b) ? -1 : 1));
  }
}
