/** The result of a load test. The summary, the report, `compare` and the thresholds all derive from it. */

import { z } from 'zod';
import { scenarioSchema } from '../scenario/scenario.ts';

/** The version of the format of result files. */
export const RESULT_VERSION = 1;

/** One kind of latency, in milliseconds. */
const latency = z.object({
  count: z.number(),
  mean: z.number(),
  min: z.number(),
  p50: z.number(),
  p90: z.number(),
  p95: z.number(),
  p99: z.number(),
  p999: z.number(),
  p9999: z.number(),
  max: z.number(),
  /** Pairs of percentile and milliseconds, ascending, for a chart. */
  curve: z.array(z.tuple([z.number(), z.number()])),
});

/**
 * `connect`: until the TCP connection is established. `login`: from there until logged in, with a password or as a guest.
 * `resume`: from the start of a reconnect, including the connect, until live. `acknowledge`: from when a message was due until
 * its sender was told that it is stored. `deliver`: from when a message was due until one recipient had it, with one value for
 * each recipient.
 */
export const LATENCIES = ['connect', 'login', 'resume', 'acknowledge', 'deliver'] as const;
export type LatencyKind = (typeof LATENCIES)[number];

/** One second of the run. Counts are for this second only. */
const second = z.object({
  /** Seconds since the start of the run. */
  second: z.number(),
  phase: z.string(),
  /** At the end of the second. */
  connections: z.number(),
  sent: z.number(),
  acknowledged: z.number(),
  delivered: z.number(),
  errors: z.number(),
  /** In milliseconds; null without deliveries or acknowledgements. */
  deliverP50: z.number().nullable(),
  deliverP99: z.number().nullable(),
  acknowledgeP99: z.number().nullable(),
  /** Cores used by the server, and its resident memory in bytes; null if its process is unknown. */
  serverCores: z.number().nullable(),
  serverBytes: z.number().nullable(),
  /** Busy fraction of the busiest generator thread, from 0 to 1. */
  generatorBusy: z.number(),
});

export const resultSchema = z.object({
  format: z.literal('parley-load'),
  version: z.literal(RESULT_VERSION),
  /** Start time, ISO 8601. */
  at: z.string(),
  seed: z.number(),
  scenario: scenarioSchema,
  server: z.object({
    address: z.string(),
    protocol: z.string(),
    /** Name and version; empty if unknown. */
    name: z.string(),
    /** Whether the server was started for this run. */
    isOwn: z.boolean(),
  }),
  environment: z.object({
    parley: z.string(),
    node: z.string(),
    system: z.string(),
    cpu: z.string(),
    cores: z.number(),
    memoryBytes: z.number(),
    openFiles: z.number(),
    /** The command line. */
    command: z.string(),
  }),
  /** `server_gone`: the server went away during the run. `aborted`: ended by --abort-on-fail. */
  ended: z.enum(['complete', 'interrupted', 'server_gone', 'aborted']),
  /** Why latencies and rates say more about the generator than about the server; empty if the result is valid. */
  invalid: z.array(z.string()),
  /** Totals of the measured phases. */
  figures: z.object({
    seconds: z.number(),
    /**
     * Messages due, sent, sent more than 10 ms late, and not sent because their sender was offline or had too many unanswered
     * messages.
     */
    due: z.number(),
    sent: z.number(),
    late: z.number(),
    dropped: z.number(),
    acknowledged: z.number(),
    /** Refused by the server with an error code. */
    refused: z.number(),
    delivered: z.number(),
    /** Per second. */
    sentRate: z.number(),
    deliveredRate: z.number(),
    connections: z.number(),
    logins: z.number(),
    resumes: z.number(),
    /** Errors by name, such as `connect ECONNREFUSED` or `bye too_slow`. */
    errors: z.record(z.string(), z.number()),
  }),
  /** Covers the whole run including the warm-up, because a lost message is a fault in any phase. */
  correctness: z.object({
    /** Deliveries that had to arrive. */
    expected: z.number(),
    delivered: z.number(),
    lost: z.number(),
    repeated: z.number(),
    /**
     * Arrived after a later message of the same writer, or had an id that was not larger than all ids before; includes answers to
     * writers.
     */
    reordered: z.number(),
    /**
     * Readers of a conversation who received messages with other ids than their writers were told, and so saw another sequence.
     */
    diverged: z.number().default(0),
    /** Delivered to somebody who is not a member, or never sent. */
    foreign: z.number(),
    /** Messages that were unanswered when their connection ended, and may have been delivered or not. */
    unknown: z.number(),
    /** Descriptions of the first few faults. */
    examples: z.array(z.string()),
  }),
  latency: z.record(z.enum(LATENCIES), latency.nullable()),
  /** Resource usage of the server's processes in the measured phases; null if they are unknown. */
  usage: z
    .object({
      cpuSeconds: z.number(),
      /** Microseconds; null without deliveries. */
      cpuPerDelivery: z.number().nullable(),
      cpuPerMessage: z.number().nullable(),
      /** The thread with the most CPU time, and the fraction of the time that it was on a CPU. */
      busiestThread: z.object({ name: z.string(), share: z.number() }),
      /** The threads with a noticeable share of CPU time, busiest first. */
      threads: z.array(z.object({ name: z.string(), cpuSeconds: z.number() })),
      /** Resident memory in bytes: before the users connect, at the end, and the peak. */
      bytesBefore: z.number(),
      bytesAfter: z.number(),
      bytesMost: z.number(),
      /** Memory growth per connection at the end of the ramp; null without connections or growth. */
      bytesPerConnection: z.number().nullable(),
    })
    .nullable(),
  generator: z.object({
    threads: z.number(),
    cpuSeconds: z.number(),
    /**
     * Busy fraction of the busiest thread in the measured phases, from 0 to 1: the time outside of waiting for events, which
     * includes waiting for a core.
     */
    busy: z.number(),
    /** The fraction of the time that the thread with the most CPU time was on a CPU. */
    busiestShare: z.number().default(0),
    /** How late timers fired, in milliseconds: 99th percentile and maximum. */
    delayP99: z.number(),
    delayMax: z.number(),
  }),
  series: z.array(second),
  expectations: z.array(
    z.object({
      /** As the user wrote it. */
      text: z.string(),
      /** The measured value in the unit of the threshold; null if nothing was measured. */
      value: z.number().nullable(),
      /** Null if it is not judged because the run is not valid. */
      isMet: z.boolean().nullable(),
    }),
  ),
});

export type Result = z.output<typeof resultSchema>;
export type Latency = z.output<typeof latency>;
export type Second = z.output<typeof second>;

/** Whether latencies and rates are meaningful. */
export function isValid({ invalid }: Result): boolean {
  return invalid.length === 0;
}

/** The number of broken delivery guarantees. Any of them fails a run. */
export function faultsOf({ correctness }: Result): number {
  const { lost, repeated, reordered, diverged, foreign } = correctness;
  return lost + repeated + reordered + diverged + foreign;
}
