/** What every campaign takes and returns. A campaign repeats one kind of failure and counts the promises that were broken. */

export interface CampaignOptions {
  /** Cycles of one scenario, or runs that each have a seed of their own. */
  readonly cycles: number;
  /** Determines every random choice, but not the timing of threads and sockets. */
  readonly seed: number;
  /** The server's `--workers`. */
  readonly workers: number;
  /** An empty folder that only this campaign uses. */
  readonly folder: string;
  /** Takes progress, one line at a time. */
  readonly log: (text: string) => void;
}

export interface CampaignResult {
  readonly figures: Readonly<Record<string, number | string>>;
  readonly findings: Findings;
}

/** Broken promises by kind. Every kind is declared at the start, so a 0 means counted and not found. */
export class Findings {
  readonly #kinds: Map<string, string[]>;

  constructor(...kinds: readonly string[]) {
    this.#kinds = new Map(kinds.map((kind) => [kind, []]));
  }

  readonly report = (kind: string, detail: string): void => {
    const found = this.#kinds.get(kind);
    if (found === undefined) throw new Error(`undeclared kind of finding "${kind}": ${detail}`);
    found.push(detail);
  };

  get total(): number {
    return [...this.#kinds.values()].reduce((sum, found) => sum + found.length, 0);
  }

  counts(): Record<string, number> {
    return Object.fromEntries([...this.#kinds].map(([kind, found]) => [kind, found.length]));
  }

  /** The first few of each kind, as `lost: s1 17 …`. */
  list(): string[] {
    return [...this.#kinds].flatMap(([kind, found]) =>
      found.slice(0, 5).map((detail) => `${kind}: ${detail}`),
    );
  }
}
