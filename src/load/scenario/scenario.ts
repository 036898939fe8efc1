/**
 * A scenario defines a load test: its users, their conversations, how much they write, and the phases. It is plain data, either
 * built in (`scenarios.ts`) or read from a JSON file.
 */

import { z } from 'zod';

/** The version of the format of scenario files. */
export const SCENARIO_VERSION = 1;

const count = (max: number): z.ZodNumber => z.number().int().min(0).max(max);
const share = z.number().min(0).max(1);

/** The shortest text that can hold the stamp of a message (`message-stamp.ts`). */
export const SHORTEST_TEXT = 48;

const group = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('pairs'),
    /** The share of all messages that this group sends, relative to the other groups. */
    weight: z.number().min(0).default(1),
  }),
  z.strictObject({
    kind: z.literal('rooms'),
    weight: z.number().min(0).default(1),
    /** Members per room. The last room has the remaining users, or one member more. */
    size: z.number().int().min(2).max(100_000),
    /** Rooms per user. */
    perUser: z.number().int().min(1).max(64).default(1),
    /** Writers per room; all members by default. */
    writers: z.number().int().min(1).optional(),
  }),
]);

const talk = z.discriminatedUnion('loop', [
  z.strictObject({
    /** Messages are due at set times, whether or not the server keeps up. */
    loop: z.literal('open'),
    /** Average per user. */
    perUserPerMinute: z.number().min(0).max(1_000_000),
  }),
  z.strictObject({
    /** A conversation sends its next message when one has arrived. Finds the peak throughput. */
    loop: z.literal('closed'),
    /** Messages in flight per conversation. */
    inFlight: z.number().int().min(1).max(10_000),
  }),
]);

export const PHASES = ['ramp', 'warm_up', 'steady', 'spike', 'storm', 'soak'] as const;
export type PhaseKind = (typeof PHASES)[number];

const phase = z.strictObject({
  /**
   * `ramp`: the users connect, and nobody writes until all are online. `warm_up`: like `steady`, but not part of the figures.
   * `spike`: see `rate`. `storm`: starts by cutting a part of the connections at once (`stormShare`), which then reconnect.
   * `soak`: like `steady`, but long.
   */
  kind: z.enum(PHASES),
  seconds: z
    .number()
    .positive()
    .max(7 * 24 * 3_600),
  /** Multiplies the full message rate. */
  rate: z.number().min(0).max(100).default(1),
});

export const scenarioSchema = z.strictObject({
  version: z.literal(SCENARIO_VERSION),
  name: z.string().min(1).max(64),
  /** A description in one sentence. */
  about: z.string().max(400).default(''),
  /** Users who stay connected and take part in conversations. */
  users: count(1_000_000),
  /** Additional users who stay connected but take part in no conversation. */
  idle: count(1_000_000).default(0),
  groups: z.array(group).max(8).default([]),
  talk: talk.optional(),
  /** Bytes per message. */
  textBytes: z.number().int().min(SHORTEST_TEXT).max(8_192).default(64),
  /** Users per second who lose their connection, reconnect after a while and receive what they missed. */
  churnPerSecond: z.number().min(0).max(10_000).default(0),
  /** How long they stay offline. */
  awaySeconds: z.number().min(0).max(3_600).default(2),
  /** Additional users per second who log in, stay for a second and log out. */
  visitorsPerSecond: z.number().min(0).max(100_000).default(0),
  /** The fraction of users who stop reading from the first measured phase to the last. */
  slowShare: share.default(0),
  /** The fraction of all connections that a storm cuts. */
  stormShare: share.default(1),
  phases: z.array(phase).min(1).max(64),
});

export type Scenario = z.output<typeof scenarioSchema>;
export type Group = z.output<typeof group>;
export type Phase = z.output<typeof phase>;

/** Whether the phase is part of the figures. */
export function isMeasured({ kind }: Phase): boolean {
  return kind !== 'ramp' && kind !== 'warm_up';
}

/** Messages per second that are due at the full rate; 0 in a closed loop. */
export function fullRate({ users, talk }: Scenario): number {
  return talk?.loop === 'open' ? (users * talk.perUserPerMinute) / 60 : 0;
}

/** Number of distinct visitors, which is more than are connected at a time. */
export function visitorAccounts({ visitorsPerSecond }: Scenario): number {
  return visitorsPerSecond === 0 ? 0 : Math.min(1_000, Math.max(10, Math.ceil(visitorsPerSecond * 10)));
}

/** Number of accounts that a run logs in to. */
export function accountsNeeded(scenario: Scenario): number {
  return scenario.users + scenario.idle + visitorAccounts(scenario);
}

/** Says why the scenario needs accounts: a user that reconnects must be the same user. Undefined if guests will do. */
export function whyAccounts(scenario: Scenario): string | undefined {
  if (scenario.churnPerSecond > 0) return 'users disconnect and reconnect';
  if (scenario.slowShare > 0) return 'slow readers are disconnected and reconnect';
  if (scenario.phases.some(({ kind }) => kind === 'storm'))
    return 'users lose their connections and reconnect';
  return undefined;
}
