/** What came out of a load test: everything that the summary, the report, `compare` and the thresholds are made from. */

import { z } from 'zod';
import { scenarioSchema } from '../scenario/scenario.ts';

/** The version of the form of result files. */
export const RESULT_VERSION = 1;

/** Of some kind of latency, in milliseconds. */
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
  /** Percentile and milliseconds, rising; for a chart. */
  curve: z.array(z.tuple([z.number(), z.number()])),
});

/**
 * `connect`: until the TCP connection stands. `login`: from there until logged in, with a password or as a guest. `resume`: from
 * the begin of coming back (connecting included) until live. `acknowledge`: from when a message was due until its sender was told
 * that it is stored. `deliver`: from when it was due until one recipient had it; one value for each recipient.
 */
export const LATENCIES = ['connect', 'login', 'resume', 'acknowledge', 'deliver'] as const;
export type LatencyKind = (typeof LATENCIES)[number];

/** One second of the run. Counts are of this second. */
const second = z.object({
  /** Since the begin of the run. */
  second: z.number(),
  phase: z.string(),
  /** At its end. */
  connections: z.number(),
  sent: z.number(),
  acknowledged: z.number(),
  delivered: z.number(),
  errors: z.number(),
  /** In milliseconds; null if there was none. */
  deliverP50: z.number().nullable(),
  deliverP99: z.number().nullable(),
  acknowledgeP99: z.number().nullable(),
  /** Cores that the server used, and its resident memory in bytes; null if its process is not known. */
  serverCores: z.number().nullable(),
  serverBytes: z.number().nullable(),
  /** Of the busiest thread of the generator, from 0 to 1. */
  generatorBusy: z.number(),
});

export const resultSchema = z.object({
  format: z.literal('parley-load'),
  version: z.literal(RESULT_VERSION),
  /** When it began, ISO 8601. */
  at: z.string(),
  seed: z.number(),
  scenario: scenarioSchema,
  server: z.object({
    address: z.string(),
    protocol: z.string(),
    /** What it calls itself; empty if it does not say. */
    name: z.string(),
    /** Whether it was started for this run alone. */
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
  /** `server_gone`: it went away in the middle. `aborted`: by --abort-on-fail. */
  ended: z.enum(['complete', 'interrupted', 'server_gone', 'aborted']),
  /** Why the latencies and rates say more about the generator than about the server; empty if they do not. */
  invalid: z.array(z.string()),
  /** Of the measured phases. */
  figures: z.object({
    seconds: z.number(),
    /** Messages: due, sent, sent more than 10 ms late, not sent at all because the connection was away or too far behind. */
    due: z.number(),
    sent: z.number(),
    late: z.number(),
    dropped: z.number(),
    acknowledged: z.number(),
    /** Refused by the server with a code. */
    refused: z.number(),
    delivered: z.number(),
    /** A second. */
    sentRate: z.number(),
    deliveredRate: z.number(),
    connections: z.number(),
    logins: z.number(),
    resumes: z.number(),
    /** What went wrong, by name, such as `connect ECONNREFUSED` or `bye too_slow`. */
    errors: z.record(z.string(), z.number()),
  }),
  /** Of the whole run, warm-up included: a message that is lost is lost. */
  correctness: z.object({
    /** Deliveries that had to come. */
    expected: z.number(),
    delivered: z.number(),
    lost: z.number(),
    repeated: z.number(),
    /** Behind a later one of its writer, or with an id that is not larger than one before it; answers to writers, too. */
    reordered: z.number(),
    /** Readers of a conversation who did not get it under the ids that its writers were told: not the sequence that others have. */
    diverged: z.number().default(0),
    /** To somebody who is no member. */
    foreign: z.number(),
    /** Messages without an answer when their connection ended: they may have been delivered or not. */
    unknown: z.number(),
    /** The first few, in words. */
    examples: z.array(z.string()),
  }),
  latency: z.record(z.enum(LATENCIES), latency.nullable()),
  /** What the server's processes used in the measured phases; null if they are not known. */
  usage: z
    .object({
      cpuSeconds: z.number(),
      /** Microseconds; null without deliveries. */
      cpuPerDelivery: z.number().nullable(),
      cpuPerMessage: z.number().nullable(),
      /** The thread that used most, and the part of the time that it was at work. */
      busiestThread: z.object({ name: z.string(), share: z.number() }),
      /** All threads that did anything worth telling, the busiest first. */
      threads: z.array(z.object({ name: z.string(), cpuSeconds: z.number() })),
      /** Resident memory: before anybody came, at the end, and the most; bytes. */
      bytesBefore: z.number(),
      bytesAfter: z.number(),
      bytesMost: z.number(),
      /** Growth for each connection at the end of the ramp; null without connections. */
      bytesPerConnection: z.number().nullable(),
    })
    .nullable(),
  generator: z.object({
    threads: z.number(),
    cpuSeconds: z.number(),
    /** Of its busiest thread, over the measured phases, from 0 to 1: the time between two waits for events, also while it waits for a core. */
    busy: z.number(),
    /** The part of the time that the thread which used most CPU time was on a CPU. */
    busiestShare: z.number().default(0),
    /** How much longer than asked its timers took, in milliseconds: 99 % and the most. */
    delayP99: z.number(),
    delayMax: z.number(),
  }),
  series: z.array(second),
  expectations: z.array(
    z.object({
      /** As it was given. */
      text: z.string(),
      /** What was measured, in the unit of the threshold; null if there was nothing to measure. */
      value: z.number().nullable(),
      /** Null: not judged, because the run is not valid. */
      isMet: z.boolean().nullable(),
    }),
  ),
});

export type Result = z.output<typeof resultSchema>;
export type Latency = z.output<typeof latency>;
export type Second = z.output<typeof second>;

/** Whether its latencies and rates say something about the server. */
export function isValid({ invalid }: Result): boolean {
  return invalid.length === 0;
}

/** Broken promises of delivery: any of them fails a run. */
export function faultsOf({ correctness }: Result): number {
  const { lost, repeated, reordered, diverged, foreign } = correctness;
  return lost + repeated + reordered + diverged + foreign;
}
