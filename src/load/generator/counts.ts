/** The counters of one thread between two reports. */

import { printable, shorten } from '../../common/printable.ts';

export interface Count {
  due: number;
  sent: number;
  late: number;
  dropped: number;
  acknowledged: number;
  refused: number;
  delivered: number;
}

export function emptyCount(): Count {
  return {
    due: 0,
    sent: 0,
    late: 0,
    dropped: 0,
    acknowledged: 0,
    refused: 0,
    delivered: 0,
  };
}

/** By name. A map, because part of a name may come from the server and must not become a property of an object. */
export type Errors = Map<string, number>;

/** Most distinct error names; further ones count as `other`. */
const NAMES = 50;
/** Most characters of a name. */
const LONGEST_NAME = 120;

export class Counts {
  now = emptyCount();
  #errors: Errors = new Map();

  /** `reason` may have any length and any content. */
  failed(reason: string): void {
    const cleaned = shorten(printable(reason.slice(0, 2 * LONGEST_NAME)), LONGEST_NAME);
    const name = this.#errors.has(cleaned) || this.#errors.size < NAMES ? cleaned : 'other';
    addError(this.#errors, name, 1);
  }

  /** Returns the counts since the last call, and resets them. */
  take(): { readonly count: Count; readonly errors: Errors } {
    const taken = { count: this.now, errors: this.#errors };
    this.now = emptyCount();
    this.#errors = new Map();
    return taken;
  }
}

export function addCount(to: Count, from: Count): void {
  to.due += from.due;
  to.sent += from.sent;
  to.late += from.late;
  to.dropped += from.dropped;
  to.acknowledged += from.acknowledged;
  to.refused += from.refused;
  to.delivered += from.delivered;
}

export function addErrors(to: Errors, from: Errors): void {
  for (const [name, count] of from) addError(to, name, count);
}

export function addError(to: Errors, name: string, count: number): void {
  to.set(name, (to.get(name) ?? 0) + count);
}
