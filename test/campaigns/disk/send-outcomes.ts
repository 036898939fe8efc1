/**
 * What was tried to be said on a disk that failed, and what became of it according to the server: stored under an id, not
 * stored, or not known; compared with what is stored.
 */

import type { Findings } from '../campaign.ts';
import type { Said } from '../views/expected-view.ts';
import type { Item } from '../views/observed-view.ts';

export const VERDICT_KINDS = [
  'lost',
  'stored though refused',
  'never attempted',
  'duplicated',
  'not settled',
] as const;

/** `open`: asked, and no answer yet, or `storage_failed`. The others are certain, `refused` until it is asked again. */
export type Verdict = 'open' | 'stored' | 'refused';

/** One message that somebody tries to say. */
export interface Saying extends Said {
  readonly text: string;
  readonly key: string;
  verdict: Verdict;
  /** Its key is not remembered any more: it must not be asked again. */
  isForgotten: boolean;
  /** Where it is stored, as far as anybody was told or has looked. */
  id: number | undefined;
}

export class Verdicts {
  readonly #findings: Findings;
  readonly #sayings = new Map<string, Saying>();
  /** Answers so far. */
  readonly counts = { stored: 0, full: 0, failed: 0 };

  constructor(findings: Findings) {
    this.#findings = findings;
  }

  /** All that anybody has tried to say, by the texts, of which no two are the same. */
  get said(): ReadonlyMap<string, Saying> {
    return this.#sayings;
  }

  of(text: string): Saying {
    const saying = this.#sayings.get(text);
    if (saying === undefined) throw new Error(`nobody says "${text.slice(0, 40)}"`);
    return saying;
  }

  say(from: string, to: string, padding: number): Saying {
    const number = this.#sayings.size;
    const key = `${from}-${number}`.padEnd(20, '-');
    const text = `${from} ${number} to ${to} ${'.'.repeat(padding)}`;
    const saying: Saying = { from, to, text, key, verdict: 'open', isForgotten: false, id: undefined };
    this.#sayings.set(text, saying);
    return saying;
  }

  stored(saying: Saying, id: number): void {
    this.counts.stored += 1;
    if (saying.id !== undefined && saying.id !== id) {
      this.#findings.report('duplicated', `${show(saying)}: stored as ${saying.id}, and answered with ${id}`);
    }
    saying.verdict = 'stored';
    saying.id = id;
  }

  /** `storage_failed`: not known. `storage_full`, or what anybody may be told who may not say it: not stored. */
  refused(saying: Saying, code: string): void {
    const isKnown = code !== 'storage_failed';
    if (!isKnown) this.counts.failed += 1;
    if (code === 'storage_full') this.counts.full += 1;
    // A repeat of something stored that cannot be looked up says nothing against it.
    if (saying.verdict !== 'stored') saying.verdict = isKnown ? 'refused' : 'open';
    else if (isKnown)
      this.#findings.report('lost', `${show(saying)}: stored as ${saying.id}, and a repeat gets ${code}`);
  }

  askAgain(saying: Saying): void {
    if (saying.verdict === 'refused') saying.verdict = 'open';
  }

  /** Of those that nothing certain is known of. */
  open(): Saying[] {
    return [...this.#sayings.values()].filter(({ verdict }) => verdict === 'open');
  }

  /** Time has passed: of what is stored so far nothing is repeated. */
  forget(): void {
    for (const saying of this.kept()) saying.isForgotten = true;
  }

  kept(): Saying[] {
    return [...this.#sayings.values()].filter(({ verdict }) => verdict === 'stored');
  }

  /** How things stand, to be compared later with what was on disk at this moment. */
  snapshot(): ReadonlyMap<Saying, Verdict> {
    return new Map([...this.#sayings.values()].map((saying) => [saying, saying.verdict]));
  }

  /** Against all that is stored, as things stand or stood. */
  check(messages: readonly Item[], when: string, verdicts = this.snapshot()): void {
    const found = new Set<Saying>();
    for (const message of messages) {
      const saying = this.#sayings.get(message.text);
      if (saying === undefined || !isSame(saying, message)) {
        this.#findings.report('never attempted', `${when}: ${JSON.stringify(message).slice(0, 200)}`);
        continue;
      }
      if (found.has(saying)) this.#findings.report('duplicated', `${when}: ${show(saying)}`);
      found.add(saying);
      if (verdicts.get(saying) === 'refused') {
        this.#findings.report('stored though refused', `${when}: ${show(saying)}`);
      }
      if (verdicts.get(saying) === 'stored' && saying.id !== message.id) {
        this.#findings.report('lost', `${when}: ${show(saying)} was ${saying.id}, and is ${message.id}`);
      }
    }
    for (const [saying, verdict] of verdicts) {
      if (verdict !== 'stored' || found.has(saying)) continue;
      this.#findings.report('lost', `${when}: ${show(saying)}, stored as ${saying.id}`);
    }
  }
}

export function show({ from, to, text }: Pick<Saying, 'from' | 'to' | 'text'>): string {
  return `"${text.slice(0, 40)}" from ${from} to ${to}`;
}

/** The key may have been forgotten. */
function isSame(saying: Saying, { user, place, key }: Item): boolean {
  return saying.from === user && saying.to === place && (key === null || saying.key === key);
}
