/**
 * Everything that the page and its charts are generated from, and its file format, so that both can be regenerated without
 * measuring.
 */

import { z } from 'zod';
import { type Result, resultSchema } from '../../src/load/result/result.ts';
import type { Peer } from './peer.ts';
import { type Sample, sampleSchema } from './sample.ts';
import type { Workload } from './workloads.ts';

export interface Benchmark {
  /** ISO 8601. */
  readonly at: string;
  readonly environment: Result['environment'];
  /** The file system of the servers' data folders. */
  readonly fileSystem: string;
  readonly rounds: number;
  readonly seconds: number;
  /** Parley first. */
  readonly peers: ReadonlyArray<{ readonly peer: Peer; readonly version: string }>;
  readonly missing: readonly string[];
  readonly workloads: readonly Workload[];
  readonly samples: readonly Sample[];
}

/** The file format. It contains only the names of servers and workloads. */
const savedSchema = z.object({
  format: z.literal('parley-benchmark'),
  at: z.string(),
  environment: resultSchema.shape.environment,
  fileSystem: z.string(),
  rounds: z.number(),
  seconds: z.number(),
  peers: z.array(z.object({ name: z.string(), version: z.string() })),
  missing: z.array(z.string()),
  workloads: z.array(z.string()),
  samples: z.array(sampleSchema),
});

/** Writes one sample per line, so that a diff shows which ones were measured again. */
export function writeBenchmark({ peers, workloads, samples, ...rest }: Benchmark): string {
  const head = JSON.stringify({
    format: 'parley-benchmark',
    ...rest,
    peers: peers.map(({ peer: { name }, version }) => ({ name, version })),
    workloads: workloads.map(({ name }) => name),
  });
  const lines = samples.map((sample) => JSON.stringify(sample));
  return `${head.slice(0, -1)},"samples":[\n${lines.join(',\n')}\n]}\n`;
}

/** Throws if the text is not a saved benchmark, or names a server or workload that is not in `peers` or `workloads`. */
export function readBenchmark(
  text: string,
  peers: readonly Peer[],
  workloads: readonly Workload[],
): Benchmark {
  const { format: _, ...saved } = savedSchema.parse(JSON.parse(text));
  return {
    ...saved,
    peers: saved.peers.map(({ name, version }) => ({ peer: find(peers, name), version })),
    workloads: saved.workloads.map((name) => find(workloads, name)),
  };
}

function find<T extends { readonly name: string }>(all: readonly T[], name: string): T {
  const found = all.find((one) => one.name === name);
  if (found === undefined) throw new Error(`unknown server or workload ${name}`);
  return found;
}
