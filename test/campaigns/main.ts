/**
 * Runs one campaign as a program. It prints its settings and results, and exits with 1 if a promise was broken; then the
 * data folder stays for inspection.
 *
 *     node test/campaigns/main.ts messages --cycles 200 --seed 1
 *     node test/campaigns/main.ts schedules --runs 1 --seed 17
 *     node test/campaigns/main.ts disk-faults --folder /dev/shm
 *
 * `--cycles` or `--runs` sets the length, `--workers` the server's threads (a run derives them from its seed), and
 * `--folder` the place of the data. `torn-ends` and `disk-faults` sync the disk hundreds of thousands of times, which
 * takes half as long on a file system in memory. `disk-full` and `network-cuts` need root.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { VERSION } from '../../src/common/version.ts';
import type { CampaignOptions, CampaignResult } from './campaign.ts';
import { failDisk } from './disk-faults.ts';
import { fillDisk } from './disk-full.ts';
import { killMessages } from './messages.ts';
import { migrate } from './migration.ts';
import { cutNetworks, REAL_LIMITS } from './network-cuts.ts';
import { restartUnderLoad } from './restarts.ts';
import { drawDisconnects, drawSchedule } from './series/run-profile.ts';
import { runSeries } from './series/run-series.ts';
import { killThreads } from './thread-deaths.ts';
import { tearEnds } from './torn-ends/torn-ends.ts';

interface Campaign {
  /** The usual `--cycles` or `--runs`. */
  readonly count: number;
  /** `runs` can be repeated one by one: each has a seed of its own, which also determines the server's threads. */
  readonly unit?: 'cycles' | 'runs';
  /** Undefined if this machine cannot run it. */
  run(options: CampaignOptions): Promise<CampaignResult | undefined>;
}

const CAMPAIGNS: Readonly<Record<string, Campaign>> = {
  disconnects: { count: 1_000, unit: 'runs', run: (options) => runSeries(options, drawDisconnects) },
  'disk-faults': { count: 50, run: failDisk },
  'disk-full': { count: 50, run: fillDisk },
  messages: { count: 200, run: killMessages },
  migration: { count: 5, run: migrate(1_000_000) },
  'network-cuts': { count: 1, run: cutNetworks(REAL_LIMITS) },
  restarts: { count: 50, run: restartUnderLoad },
  schedules: { count: 1_000, unit: 'runs', run: (options) => runSeries(options, drawSchedule) },
  'thread-deaths': { count: 25, run: killThreads },
  'torn-ends': { count: 100, run: tearEnds },
};

const TEXT = { type: 'string' } as const;

async function main(name: string, { count, unit = 'cycles', run }: Campaign): Promise<void> {
  const hasWorkers = unit === 'cycles';
  const flags: Record<string, typeof TEXT> = { [unit]: TEXT, seed: TEXT, folder: TEXT };
  if (hasWorkers) flags.workers = TEXT;
  const { values } = parseArgs({ args: process.argv.slice(3), options: flags });
  const read = (flag: string, usual: number): number => readCount(flag, values[flag] ?? String(usual));
  const started = performance.now();
  const seconds = (): string => `${Math.round((performance.now() - started) / 1_000)} s`;
  const options = {
    cycles: read(unit, count),
    seed: read('seed', Date.now() % 1_000_000),
    workers: read('workers', 2),
    folder: mkdtempSync(join(values.folder ?? tmpdir(), 'parley-campaign-')),
    log: (text: string): void => console.log(`${seconds()}  ${text}`),
  };
  const settings = `${name} --${unit} ${options.cycles} --seed ${options.seed}${hasWorkers ? ` --workers ${options.workers}` : ''}`;
  console.log(`${settings}, Parley ${VERSION}, Node ${process.version}, ${new Date().toISOString()}`);
  const result = await run(options).catch((error: unknown) => {
    console.error(`${settings}: stopped; the data is in ${options.folder}`);
    throw error;
  });
  if (result === undefined)
    throw new Error(`${name} mounts a small disk, which only root may: run it as root`);
  const { figures, findings } = result;
  for (const [figure, value] of Object.entries({ ...figures, ...findings.counts() }))
    console.log(`  ${figure}: ${value}`);
  if (findings.total === 0) {
    console.log(`${name}: kept every promise, in ${seconds()}`);
    rmSync(options.folder, { recursive: true });
    return;
  }
  for (const line of findings.list()) console.error(line);
  console.error(`${settings}: BROKE a promise ${findings.total} times; the data is in ${options.folder}`);
  process.exitCode = 1;
}

function readCount(flag: string, text: string): number {
  const count = Number(text);
  if (Number.isSafeInteger(count) && count >= 0) return count;
  throw new Error(`--${flag} must be a whole number, not ${text}`);
}

const name = process.argv[2] ?? '';
const campaign = CAMPAIGNS[name];
if (campaign === undefined) throw new Error(`name a campaign: ${Object.keys(CAMPAIGNS).join(', ')}`);
await main(name, campaign);
