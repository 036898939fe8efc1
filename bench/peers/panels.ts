/** What is drawn of a workload: what a delivery costs each server, and how many it makes. */

import { type Spread, spreadOf } from '../spread.ts';
import type { Benchmark } from './benchmark.ts';
import type { Panel } from './chart.ts';
import type { Sample } from './sample.ts';
import { writeCpu, writeRate } from './units.ts';
import type { Workload } from './workloads.ts';

/** What is drawn of one server. */
export interface Drawn {
  readonly name: string;
  /** Microseconds. */
  readonly cpu: Spread | undefined;
  /** Deliveries a second. */
  readonly rate: Spread | undefined;
  readonly isBound: boolean;
}

/** In the order of the servers, of which the first is the one that the others are compared with. */
export function drawnOf(workload: Workload, { peers, samples }: Benchmark): Drawn[] {
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

export function panelsOf(drawn: readonly Drawn[]): Panel[] {
  return [
    {
      title: 'Server CPU for each delivery',
      note: 'less is better',
      write: writeCpu,
      bars: drawn.map(({ name, cpu }, index) => ({
        name,
        isOwn: index === 0,
        spread: cpu,
        isAtLeast: false,
      })),
    },
    {
      title: 'Deliveries a second',
      note: 'more is better',
      write: writeRate,
      bars: drawn.map(({ name, rate, isBound }, index) => ({
        name,
        isOwn: index === 0,
        spread: rate,
        isAtLeast: isBound,
      })),
    },
  ];
}
