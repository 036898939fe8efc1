/**
 * Which messages of each conversation the display has: all of them from its oldest one on. Later messages arrive as
 * events and missed ones are replayed, so only older ones have to be requested.
 */

import { foldName } from '../../chat/names.ts';

export class DisplayCoverage {
  /** Oldest ids by folded conversation name. One item per conversation in the display. */
  readonly #oldest = new Map<string, number>();
  #first: number | undefined;

  /** The replay has ended: everything above `id` will arrive as an event. */
  live(id: number): void {
    this.#first ??= id + 1;
  }

  /** A new page has nothing below this id. */
  renew(id: number): void {
    this.#oldest.clear();
    this.#first = id;
  }

  add(conversation: string, id: number): void {
    const key = foldName(conversation);
    const oldest = this.#oldest.get(key);
    if (oldest === undefined || id < oldest) this.#oldest.set(key, id);
  }

  /** The id below which the display has nothing of a conversation; null while it is unknown. */
  floor(conversation: string): number | null {
    return this.#oldest.get(foldName(conversation)) ?? this.#first ?? null;
  }
}
