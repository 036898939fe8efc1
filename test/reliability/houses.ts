/** Where the runs of a series take place: in a few servers, one after the other, each of which serves many runs. */

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Pick } from '../transport/hostile.ts';
import { Findings } from './campaign.ts';
import { KINDS, type Report } from './faults.ts';
import { House } from './house.ts';
import { MOST_CLIENTS, Run, type Sums, startSums } from './run.ts';
import type { SeriesOptions } from './runs.ts';
import type { Temper } from './temper.ts';

/** The server that a run takes place in. It follows from the seed, too. */
interface Setting {
  readonly workers: number;
  readonly args: readonly string[];
  /** True if it is to be the only run of its server. */
  readonly isAlone: boolean;
}

/** Runs of one server. */
const RUNS = 40;

function settingOf(seed: number): Setting {
  const isNarrow = Math.floor(seed / 3) % 3 === 0;
  return {
    workers: 1 + (seed % 3),
    args: isNarrow ? ['--outbox-limit', '65536'] : [],
    isAlone: seed % 40 === 0,
  };
}

export interface SeriesResult {
  readonly sums: Sums;
  readonly findings: Findings;
}

/** Runs a series. `draw`: how the people of a run are. */
export async function runInHouses(
  { runs, seed, folder, log }: SeriesOptions,
  draw: (pick: Pick) => Temper,
): Promise<SeriesResult> {
  const sums = startSums();
  const findings = new Findings(...KINDS);
  const seeds = Array.from({ length: runs }, (_, i) => seed + i);
  const groups = Map.groupBy(seeds, (of) => nameOf(settingOf(of), of));
  let done = 0;
  for (const [name, members] of groups) {
    for (let next = 0; next < members.length; next += RUNS) {
      const these = members.slice(next, next + RUNS);
      const data = join(folder, `${name}-${next}`);
      const { workers, args } = settingOf(these[0] ?? seed);
      const house = await House.open({ data, workers, people: MOST_CLIENTS * these.length, args });
      const before = findings.total;
      for (const one of these) {
        const report: Report = (kind, detail) => findings.report(kind, `--seed ${one}: ${detail}`);
        const t0 = performance.now();
        const run = new Run(house, one, draw, report);
        await run.go(sums).catch((error: unknown) => report('stuck', String(error)));
        run.end();
        if (process.env.SLOW)
          log(
            `${one}: ${Math.round(performance.now() - t0)} ms ${run.temper.clients} ${run.temper.burst} ${run.temper.size}`,
          );
        for (const fault of house.faults()) report('failed', fault);
        done += 1;
      }
      const end = await house.close();
      if (end !== undefined) findings.report('failed', `${data}: ${end}`);
      if (findings.total === before) rmSync(data, { recursive: true });
      log(`${done} of ${runs} runs, ${findings.total} findings`);
    }
  }
  return { sums, findings };
}

function nameOf({ workers, args, isAlone }: Setting, seed: number): string {
  return [`workers-${workers}`, ...args.slice(1), ...(isAlone ? [`alone-${seed}`] : [])].join('-');
}
