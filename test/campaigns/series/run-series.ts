/**
 * A series of runs, each of which is drawn from a seed of its own: the first from the seed of the series, the next from the
 * one behind it. They take place in a few servers, one after the other, each of which serves many runs.
 */

import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Pick } from '../../support/random.ts';
import { type CampaignOptions, type CampaignResult, Findings } from '../campaign.ts';
import { KINDS, type Kind } from '../views/view-faults.ts';
import { MOST_CLIENTS, Run, startSums } from './run.ts';
import type { Temper } from './run-profile.ts';
import { House } from './shared-server.ts';

/** The server that a run takes place in. It follows from the seed, too. */
interface Setting {
  readonly workers: number;
  readonly args: readonly string[];
  /** True if it is to be the only run of its server. */
  readonly isAlone: boolean;
}

/** Runs of one server. */
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

/** The workers follow from the seeds. */
export type SeriesOptions = Omit<CampaignOptions, 'workers'>;

/** Runs a series. `draw`: how the people of a run are. */
export async function runSeries(
  options: SeriesOptions,
  draw: (pick: Pick) => Temper,
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
  readonly findings = new Findings(...KINDS, 'stuck');
  done = 0;
  readonly #options: SeriesOptions;
  readonly #draw: (pick: Pick) => Temper;
  #houses = 0;

  constructor(options: SeriesOptions, draw: (pick: Pick) => Temper) {
    this.#options = options;
    this.#draw = draw;
  }

  /** Runs as many of these seeds in one house as it can take, and removes them from the list. */
  async fill(name: string, seeds: number[]): Promise<void> {
    this.#houses += 1;
    const data = join(this.#options.folder, `${this.#houses}-${name}`);
    const { workers, args } = settingOf(seeds[0] ?? 0);
    const people = MOST_CLIENTS * Math.min(RUNS, seeds.length);
    const house = await House.open({ data, workers, people, args });
    const before = this.findings.total;
    let isSound = true;
    for (const seed of seeds.splice(0, RUNS)) {
      if (isSound) isSound = await this.#run(house, seed);
      else seeds.push(seed);
    }
    writeFileSync(join(data, 'server.log'), house.log);
    const end = await house.close();
    if (end !== undefined) this.findings.report('failed', `${data}: ${end}`);
    if (this.findings.total === before) rmSync(data, { recursive: true });
  }

  /** False if others had better go on in another house. */
  async #run(house: House, seed: number): Promise<boolean> {
    let isSound = true;
    const report = (kind: Kind | 'stuck', detail: string): void => {
      isSound &&= kind !== 'stuck';
      this.findings.report(kind, `--seed ${seed}: ${detail}`);
      this.#options.log(`${kind}: --seed ${seed}: ${detail}`);
    };
    const run = new Run(house, seed, this.#draw, report);
    await inTime(run.go(this.sums)).catch((error: unknown) => report('stuck', String(error)));
    run.end();
    for (const fault of house.faults()) report('failed', fault);
    this.done += 1;
    return isSound && house.isUp;
  }
}

function inTime(run: Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    const late = (): void => reject(new Error(`it is not over after ${RUN_MS} ms`));
    const deadline = setTimeout(late, RUN_MS);
    run.then(resolve, reject).finally(() => clearTimeout(deadline));
  });
}

function nameOf({ workers, args, isAlone }: Setting, seed: number): string {
  return [`workers-${workers}`, ...args.slice(1), ...(isAlone ? [`alone-${seed}`] : [])].join('-');
}
