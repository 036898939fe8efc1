/** What one thread counts, from one report to the next. */

export interface Count {
  due: number;
  sent: number;
  late: number;
  dropped: number;
  acknowledged: number;
  refused: number;
  delivered: number;
}

export function noCount(): Count {
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

export type Errors = Record<string, number>;

/** Names of errors that are told apart; further ones count as `other`. */
const NAMES = 50;

export class Counts {
  now = noCount();
  #errors = new Map<string, number>();

  failed(reason: string): void {
    const name = this.#errors.has(reason) || this.#errors.size < NAMES ? reason : 'other';
    this.#errors.set(name, (this.#errors.get(name) ?? 0) + 1);
  }

  /** What has been counted since the last call. */
  take(): { readonly count: Count; readonly errors: Errors } {
    const taken = { count: this.now, errors: Object.fromEntries(this.#errors) };
    this.now = noCount();
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
  for (const [name, count] of Object.entries(from)) to[name] = (to[name] ?? 0) + count;
}
