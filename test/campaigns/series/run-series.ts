/**
 * A series of runs, each with a seed of its own: the seed of the series, and the numbers after it. A server
 * serves many runs, one after the other.
 */

import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Pick } from '../../support/random.ts';
import { type CampaignOptions, type CampaignResult, Findings } from '../campaign.ts';
import { VIEW_FAULTS, type ViewFault } from '../views/view-faults.ts';
import { MOST_CLIENTS, Run, startSums } from './run.ts';
import type { RunProfile } from './run-profile.ts';
import { SharedServer } from './shared-server.ts';

/** The server settings of a run. They follow from its seed. */
interface Setting {
  readonly workers: number;
  readonly args: readonly string[];
  /** True if the server is used for this run only. */
  readonly isAlone: boolean;
}

/** The most runs on one server. */
const RUNS = 40;
const RUN_MS = 120_000;

function settingOf(seed: number): Setting {
  const isNarrow = Math.floor(seed / 3) % 3 === 0;
  return {
    workers: 1 + (seed % 3),
    args: isNarrow ? ['--outbox-limit', '65536'] : [],
    isAlone: seed % 40 === 0,
  };
}

/** The seeds determine the workers. */
export type SeriesOptions = Omit<CampaignOptions, 'workers'>;

/** Runs a series. `draw` chooses the profile of each run. */
export async function runSeries(
  options: SeriesOptions,
  draw: (pick: Pick) => RunProfile,
): Promise<CampaignResult> {
  const { cycles: runs, seed, log } = options;
  const seeds = Array.from({ length: runs }, (_, i) => seed + i);
  const groups = Map.groupBy(seeds, (of) => nameOf(settingOf(of), of));
  const series = new Series(options, draw);
  for (const [name, members] of groups) {
    while (members.length > 0) {
      await series.fill(name, members);
      log(`${series.done} of ${runs} runs, ${series.findings.total} findings`);
    }
  }
  return { figures: { runs, ...series.sums }, findings: series.findings };
}

class Series {
  readonly sums = startSums();
  readonly findings = new Findings(...VIEW_FAULTS, 'stuck');
  done = 0;
  readonly #options: SeriesOptions;
  readonly #draw: (pick: Pick) => RunProfile;
  #servers = 0;

  constructor(options: SeriesOptions, draw: (pick: Pick) => RunProfile) {
    this.#options = options;
    this.#draw = draw;
  }

  /** Runs as many of these seeds on one server as it may serve, and removes them from the list. */
  async fill(name: string, seeds: number[]): Promise<void> {
    this.#servers += 1;
    const data = join(this.#options.folder, `${this.#servers}-${name}`);
    const { workers, args } = settingOf(seeds[0] ?? 0);
    const people = MOST_CLIENTS * Math.min(RUNS, seeds.length);
    const server = await SharedServer.open({ data, workers, people, args });
    const before = this.findings.total;
    let isSound = true;
    for (const seed of seeds.splice(0, RUNS)) {
      if (isSound) isSound = await this.#run(server, seed);
      else seeds.push(seed);
    }
    writeFileSync(join(data, 'server.log'), server.log);
    const end = await server.close();
    if (end !== undefined) this.findings.report('failed', `${data}: ${end}`);
    if (this.findings.total === before) rmSync(data, { recursive: true });
  }

  /** False if the other runs need a new server. */
  async #run(server: SharedServer, seed: number): Promise<boolean> {
    let isSound = true;
    const report = (kind: ViewFault | 'stuck', detail: string): void => {
      isSound &&= kind !== 'stuck';
      this.findings.report(kind, `--seed ${seed}: ${detail}`);
      this.#options.log(`${kind}: --seed ${seed}: ${detail}`);
    };
    const run = new Run(server, seed, this.#draw, report);
    await inTime(run.go(this.sums)).catch((error: unknown) => report('stuck', String(error)));
    run.end();
    for (const fault of server.faults()) report('failed', fault);
    this.done += 1;
    return isSound && server.isUp;
  }
}

function inTime(run: Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    const late = (): void => reject(new Error(`the run did not end within ${RUN_MS} ms`));
    const deadline = setTimeout(late, RUN_MS);
    run.then(resolve, reject).finally(() => clearTimeout(deadline));
  });
}

function nameOf({ workers, args, isAlone }: Setting, seed: number): string {
  return [`workers-${workers}`, ...args.slice(1), ...(isAlone ? [`alone-${seed}`] : [])].join('-');
}
