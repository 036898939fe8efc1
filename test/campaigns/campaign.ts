/** A campaign: many cycles of one kind of misfortune, what was found broken, and the program that runs one by hand. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { VERSION } from '../../src/common/version.ts';

export interface CampaignOptions {
  /** Or runs, in a campaign of which each run is drawn from a seed of its own. */
  readonly cycles: number;
  /** All that is drawn follows from it; when threads and sockets do what they do does not. */
  readonly seed: number;
  /** `--workers` of the server. */
  readonly workers: number;
  /** Empty, and the campaign's own. */
  readonly folder: string;
  /** Told how it goes, a line at a time. */
  readonly log: (text: string) => void;
}

export interface CampaignResult {
  readonly figures: Readonly<Record<string, number | string>>;
  readonly findings: Findings;
}

/** Broken promises, by kind. Every kind is counted from the start, so that a 0 is a count and not a silence. */
export class Findings {
  readonly #kinds: Map<string, string[]>;

  constructor(...kinds: readonly string[]) {
    this.#kinds = new Map(kinds.map((kind) => [kind, []]));
  }

  readonly report = (kind: string, detail: string): void => {
    const found = this.#kinds.get(kind);
    if (found === undefined) throw new Error(`nobody counts "${kind}": ${detail}`);
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

export interface Program {
  readonly title: string;
  /** What `--cycles`, or `--runs`, is if it is not given. */
  readonly cycles: number;
  /** `runs`: each can be repeated by its own seed, which decides on the workers, too. */
  readonly unit?: 'cycles' | 'runs';
  run(options: CampaignOptions): Promise<CampaignResult>;
}

const TEXT = { type: 'string' } as const;

/**
 * Runs a campaign as the program of the file in `test/long`: `--cycles` or `--runs`, `--seed`, `--workers`, and
 * `--folder` for where the data is kept. Prints what came out; exits with 1 if a promise was broken, and then the data
 * stays for a look.
 */
export async function runCampaign({ title, cycles, unit = 'cycles', run }: Program): Promise<void> {
  const isSeries = unit === 'runs';
  const flags: Record<string, typeof TEXT> = { [unit]: TEXT, seed: TEXT, folder: TEXT };
  if (!isSeries) flags.workers = TEXT;
  const { values } = parseArgs({ options: flags });
  const count = (name: string, usual: number): number => readCount(name, values[name] ?? String(usual));
  const options = {
    cycles: count(unit, cycles),
    seed: count('seed', Date.now() % 1_000_000),
    workers: count('workers', 2),
    folder: mkdtempSync(join(values.folder ?? tmpdir(), 'parley-campaign-')),
    log: (text: string): void => console.log(`${secondsSince(started)}  ${text}`),
  };
  const workers = isSeries ? '' : ` --workers ${options.workers}`;
  const settings = `--${unit} ${options.cycles} --seed ${options.seed}${workers}`;
  console.log(
    `${title}: ${settings}, Parley ${VERSION}, Node ${process.version}, ${new Date().toISOString()}`,
  );

  const started = performance.now();
  const { figures, findings } = await run(options).catch((error: unknown) => {
    console.error(`${title}: given up, ${settings}; the data is in ${options.folder}`);
    throw error;
  });
  for (const [name, value] of Object.entries({ ...figures, ...findings.counts() }))
    console.log(`  ${name}: ${value}`);
  if (findings.total === 0) {
    console.log(`${title}: kept every promise, in ${secondsSince(started)}`);
    rmSync(options.folder, { recursive: true });
    return;
  }
  for (const line of findings.list()) console.error(line);
  console.error(
    `${title}: BROKE a promise ${findings.total} times, ${settings}; the data is in ${options.folder}`,
  );
  process.exitCode = 1;
}

function secondsSince(started: number): string {
  return `${Math.round((performance.now() - started) / 1_000)} s`;
}

function readCount(name: string, text: string): number {
  const count = Number(text);
  if (Number.isSafeInteger(count) && count >= 0) return count;
  throw new Error(`--${name} is a whole number, and not ${text}`);
}
