/**
 * A series of runs, each of which is drawn from a seed of its own: the first from the seed of the series, the next from the
 * one behind it. So a run that found something is repeated by its seed alone. When threads and sockets do what they do
 * does not follow from it.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { VERSION } from '../../src/version.ts';
import type { CampaignResult } from './campaign.ts';

export interface SeriesOptions {
  readonly runs: number;
  /** Of the first run. */
  readonly seed: number;
  /** Empty, and the series' own. */
  readonly folder: string;
  /** Told how it goes, a line at a time. */
  readonly log: (text: string) => void;
}

/**
 * Runs a series as the program of a file in `test/long`: `--runs`, `--seed`, and `--folder` for where the data is kept.
 * Prints what came out; exits with 1 if a promise was broken, and then the data stays for a look.
 */
export async function runSeries(
  title: string,
  series: (options: SeriesOptions) => Promise<CampaignResult>,
): Promise<void> {
  const { values } = parseArgs({
    options: {
      runs: { type: 'string', default: '1000' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      folder: { type: 'string', default: tmpdir() },
    },
  });
  const runs = readCount('runs', values.runs);
  const seed = readCount('seed', values.seed);
  const folder = mkdtempSync(join(values.folder, 'parley-series-'));
  const settings = `--runs ${runs} --seed ${seed}`;
  console.log(
    `${title}: ${settings}, Parley ${VERSION}, Node ${process.version}, ${new Date().toISOString()}`,
  );

  const started = performance.now();
  const log = (text: string): void => console.log(`${secondsSince(started)}  ${text}`);
  const { figures, findings } = await series({ runs, seed, folder, log }).catch((error: unknown) => {
    console.error(`${title}: given up, ${settings}; the data is in ${folder}`);
    throw error;
  });
  for (const [name, value] of Object.entries({ ...figures, ...findings.counts() }))
    console.log(`  ${name}: ${value}`);
  if (findings.total === 0) {
    console.log(`${title}: kept every promise, in ${secondsSince(started)}`);
    rmSync(folder, { recursive: true });
    return;
  }
  for (const line of findings.list()) console.error(line);
  console.error(`${title}: BROKE a promise ${findings.total} times, ${settings}; the data is in ${folder}`);
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
