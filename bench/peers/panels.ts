/** The two panels of a workload's chart: CPU time per delivery, and deliveries per second, of each server. */

import { type Spread, spreadOf } from '../spread.ts';
import type { Benchmark } from './benchmark.ts';
import type { Panel } from './chart.ts';
import type { Sample } from './sample.ts';
import { formatCpu, formatRate } from './units.ts';
import type { Workload } from './workloads.ts';

/** One server's figures in a chart. */
export interface Row {
  readonly name: string;
  /** Microseconds. */
  readonly cpu: Spread | undefined;
  /** Deliveries per second. */
  readonly rate: Spread | undefined;
  readonly isBound: boolean;
}

/** One row per server, in their order; the first one is the reference. */
export function rowsOf(workload: Workload, { peers, samples }: Benchmark): Row[] {
  return peers.map(({ peer: { name } }) => {
    const own = samples.filter((sample) => sample.workload === workload.name && sample.peer === name);
    const spread = (of: (sample: Sample) => number): Spread | undefined =>
      own.length === 0 ? undefined : spreadOf(own.map(of));
    return {
      name,
      cpu: spread(({ cpuPerDelivery }) => cpuPerDelivery),
      rate: spread(({ rate }) => rate),
      isBound: own.some(({ isBound }) => isBound),
    };
  });
}

export function panelsOf(rows: readonly Row[]): Panel[] {
  return [
    {
      title: 'Server CPU per delivery',
      note: 'lower is better',
      format: formatCpu,
      bars: rows.map(({ name, cpu }, index) => ({
        name,
        isReference: index === 0,
        spread: cpu,
        isAtLeast: false,
      })),
    },
    {
      title: 'Deliveries per second',
      note: 'higher is better',
      format: formatRate,
      bars: rows.map(({ name, rate, isBound }, index) => ({
        name,
        isReference: index === 0,
        spread: rate,
        isAtLeast: isBound,
      })),
    },
  ];
}
