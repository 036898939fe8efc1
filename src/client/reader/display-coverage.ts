/**
 * Which messages of each conversation the display has: all from its oldest one on. Whatever comes later comes by
 * itself, and whatever was missed has been replayed; only what is older has to be asked for.
 */

import { foldName } from '../../chat/names.ts';

export class Shown {
  /** Ids, by the folded names of conversations. As many as there are conversations in the display. */
  readonly #oldest = new Map<string, number>();
  #first: number | undefined;

  /** The replay has ended: whatever is above `id` will come. */
  live(id: number): void {
    this.#first ??= id + 1;
  }

  /** A fresh page has nothing below this id. */
  renew(id: number): void {
    this.#oldest.clear();
    this.#first = id;
  }

  add(conversation: string, id: number): void {
    const key = foldName(conversation);
    const oldest = this.#oldest.get(key);
    if (oldest === undefined || id < oldest) this.#oldest.set(key, id);
  }

  /** The id below which nothing of a conversation is in the display; null while nobody can tell. */
  floor(conversation: string): number | null {
    return this.#oldest.get(foldName(conversation)) ?? this.#first ?? null;
  }
}
