/** The figures of one run against one server. */

import { loadavg } from 'node:os';
import { z } from 'zod';
import { errorsOf } from '../../src/load/result/metric.ts';
import { faultsOf, type Result } from '../../src/load/result/result.ts';

export const sampleSchema = z.object({
  peer: z.string(),
  workload: z.string(),
  /** CPU time of the server's processes in microseconds. */
  cpuPerDelivery: z.number(),
  /** Deliveries per second. */
  rate: z.number(),
  /** Delivery latency in milliseconds, from sending a message until a recipient has it. */
  p50: z.number(),
  p99: z.number(),
  /** The server's peak resident memory in bytes. */
  bytes: z.number(),
  /** True if the generator may have limited the rate, rather than the server. */
  isBound: z.boolean(),
  /** Messages lost, repeated, out of order, or delivered to somebody else. */
  faults: z.number(),
  errors: z.number(),
  /** The system's load average of the last minute, which includes the server, the generator and all other programs. */
  load: z.number(),
});

export type Sample = Readonly<z.output<typeof sampleSchema>>;

/**
 * Undefined if the run is incomplete, nothing was delivered or the server's usage is unknown, because then nothing can be
 * compared.
 */
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
