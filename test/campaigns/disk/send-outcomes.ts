/**
 * Every attempt to send a message while the disk fails, its outcome according to the server (stored under an
 * id, not stored, or unknown), and the comparison with the log.
 */

import type { Findings } from '../campaign.ts';
import type { SentMessage } from '../views/expected-view.ts';
import type { Item } from '../views/observed-view.ts';

export const OUTCOME_FINDINGS = [
  'lost',
  'stored though refused',
  'never attempted',
  'duplicated',
  'not settled',
] as const;

/**
 * `open`: requested, without an answer or answered with `storage_failed`. The others are certain; `refused`
 * until it is requested again.
 */
export type SendOutcome = 'open' | 'stored' | 'refused';

/** An attempt to send one message. */
export interface Attempt extends SentMessage {
  readonly text: string;
  readonly key: string;
  outcome: SendOutcome;
  /** The server no longer remembers the key, so the message must not be repeated. */
  isForgotten: boolean;
  /** The id under which it is stored, once known. */
  id: number | undefined;
}

export class SendOutcomes {
  readonly #findings: Findings;
  readonly #attempts = new Map<string, Attempt>();
  /** The answers so far. */
  readonly counts = { stored: 0, full: 0, failed: 0 };

  constructor(findings: Findings) {
    this.#findings = findings;
  }

  /** All attempts by their texts, which are unique. */
  get said(): ReadonlyMap<string, Attempt> {
    return this.#attempts;
  }

  of(text: string): Attempt {
    const attempt = this.#attempts.get(text);
    if (attempt === undefined) throw new Error(`nobody sent "${text.slice(0, 40)}"`);
    return attempt;
  }

  say(from: string, to: string, padding: number): Attempt {
    const number = this.#attempts.size;
    const key = `${from}-${number}`.padEnd(20, '-');
    const text = `${from} ${number} to ${to} ${'.'.repeat(padding)}`;
    const attempt: Attempt = { from, to, text, key, outcome: 'open', isForgotten: false, id: undefined };
    this.#attempts.set(text, attempt);
    return attempt;
  }

  stored(attempt: Attempt, id: number): void {
    this.counts.stored += 1;
    if (attempt.id !== undefined && attempt.id !== id) {
      this.#findings.report(
        'duplicated',
        `${show(attempt)}: stored as ${attempt.id}, and answered with ${id}`,
      );
    }
    attempt.outcome = 'stored';
    attempt.id = id;
  }

  /**
   * `storage_failed` means unknown. `storage_full`, or a refusal because of the sender's rights, means not
   * stored.
   */
  refused(attempt: Attempt, code: string): void {
    const isKnown = code !== 'storage_failed';
    if (!isKnown) this.counts.failed += 1;
    if (code === 'storage_full') this.counts.full += 1;
    // If a stored message cannot be looked up when it is repeated, that proves nothing.
    if (attempt.outcome !== 'stored') attempt.outcome = isKnown ? 'refused' : 'open';
    else if (isKnown)
      this.#findings.report('lost', `${show(attempt)}: stored as ${attempt.id}, and a repeat gets ${code}`);
  }

  askAgain(attempt: Attempt): void {
    if (attempt.outcome === 'refused') attempt.outcome = 'open';
  }

  /** The attempts whose outcome is unknown. */
  open(): Attempt[] {
    return [...this.#attempts.values()].filter(({ outcome }) => outcome === 'open');
  }

  /** The keys have expired: nothing stored so far may be repeated. */
  forget(): void {
    for (const attempt of this.kept()) attempt.isForgotten = true;
  }

  kept(): Attempt[] {
    return [...this.#attempts.values()].filter(({ outcome }) => outcome === 'stored');
  }

  /** The outcomes at this moment, for a later comparison with what was on disk. */
  snapshot(): ReadonlyMap<Attempt, SendOutcome> {
    return new Map([...this.#attempts.values()].map((attempt) => [attempt, attempt.outcome]));
  }

  /** Compares the outcomes with all stored messages. */
  check(messages: readonly Item[], when: string, outcomes = this.snapshot()): void {
    const found = new Set<Attempt>();
    for (const message of messages) {
      const attempt = this.#attempts.get(message.text);
      if (attempt === undefined || !isSame(attempt, message)) {
        this.#findings.report('never attempted', `${when}: ${JSON.stringify(message).slice(0, 200)}`);
        continue;
      }
      if (found.has(attempt)) this.#findings.report('duplicated', `${when}: ${show(attempt)}`);
      found.add(attempt);
      if (outcomes.get(attempt) === 'refused') {
        this.#findings.report('stored though refused', `${when}: ${show(attempt)}`);
      }
      if (outcomes.get(attempt) === 'stored' && attempt.id !== message.id) {
        this.#findings.report('lost', `${when}: ${show(attempt)} was ${attempt.id}, and is ${message.id}`);
      }
    }
    for (const [attempt, outcome] of outcomes) {
      if (outcome !== 'stored' || found.has(attempt)) continue;
      this.#findings.report('lost', `${when}: ${show(attempt)}, stored as ${attempt.id}`);
    }
  }
}

export function show({ from, to, text }: Pick<Attempt, 'from' | 'to' | 'text'>): string {
  return `"${text.slice(0, 40)}" from ${from} to ${to}`;
}

/** The key may have expired. */
function isSame(attempt: Attempt, { user, place, key }: Item): boolean {
  return attempt.from === user && attempt.to === place && (key === null || attempt.key === key);
}
