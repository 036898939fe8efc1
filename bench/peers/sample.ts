/** What one run of one server tells, and what the runs of a server tell together. */

import { loadavg } from 'node:os';
import { z } from 'zod';
import { errorsOf } from '../../src/load/result/metric.ts';
import { faultsOf, type Result } from '../../src/load/result/result.ts';

export const sampleSchema = z.object({
  peer: z.string(),
  workload: z.string(),
  /** Microseconds of the server's processes. */
  cpuPerDelivery: z.number(),
  /** A second. */
  rate: z.number(),
  /** From when a message was sent until a recipient had it, in milliseconds. */
  p50: z.number(),
  p99: z.number(),
  /** The most resident memory of the server, in bytes. */
  bytes: z.number(),
  /** True if the generator, and not the server, may be what bounded the rate. */
  isBound: z.boolean(),
  /** Lost, repeated, out of order, or at the wrong place. */
  faults: z.number(),
  errors: z.number(),
  /** Programs that wanted a core, in the last minute: the server, the generator, and whatever else ran here. */
  load: z.number(),
});

export type Sample = Readonly<z.output<typeof sampleSchema>>;

/** Undefined if nothing was delivered, or the server's use is not known: nothing can be compared then. */
export function sampleOf(peer: string, workload: string, result: Result): Sample | undefined {
  const { usage, latency, figures, invalid } = result;
  const cpuPerDelivery = usage?.cpuPerDelivery ?? undefined;
  const { deliver } = latency;
  if (result.ended !== 'complete' || usage === null || cpuPerDelivery === undefined || deliver == null)
    return undefined;
  return {
    peer,
    workload,
    cpuPerDelivery,
    rate: figures.deliveredRate,
    p50: deliver.p50,
    p99: deliver.p99,
    bytes: usage.bytesMost,
    isBound: invalid.length > 0,
    faults: faultsOf(result),
    errors: errorsOf(result),
    load: loadavg()[0] ?? 0,
  };
}
