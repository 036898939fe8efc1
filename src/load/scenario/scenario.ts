/**
 * What a load test does: who takes part, who talks to whom, how much is said, and in which phases. A scenario is plain
 * data: built in (`scenarios.ts`), or a JSON file.
 */

import { z } from 'zod';

/** The version of the form of scenario files. */
export const SCENARIO_VERSION = 1;

const count = (max: number): z.ZodNumber => z.number().int().min(0).max(max);
const share = z.number().min(0).max(1);

/** Shortest text: it has to hold what a message tells of itself (`message-stamp.ts`). */
export const SHORTEST_TEXT = 48;

const group = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('pairs'),
    /** The part of all messages that is said here, relative to the other groups. */
    weight: z.number().min(0).default(1),
  }),
  z.strictObject({
    kind: z.literal('rooms'),
    weight: z.number().min(0).default(1),
    /** Members of a room. Of the last one as many as are left, or one more. */
    size: z.number().int().min(2).max(100_000),
    /** Rooms that each user is in. */
    perUser: z.number().int().min(1).max(64).default(1),
    /** How many members of a room write; all if left out. */
    writers: z.number().int().min(1).optional(),
  }),
]);

const talk = z.discriminatedUnion('loop', [
  z.strictObject({
    /** Messages are due at set times, whether or not the server keeps up. */
    loop: z.literal('open'),
    /** Of each user on average. */
    perUserPerMinute: z.number().min(0).max(1_000_000),
  }),
  z.strictObject({
    /** The next message of a conversation is sent when one before it has arrived: for finding peak throughput. */
    loop: z.literal('closed'),
    /** Of each conversation. */
    inFlight: z.number().int().min(1).max(10_000),
  }),
]);

export const PHASES = ['ramp', 'warm_up', 'steady', 'spike', 'storm', 'soak'] as const;
export type PhaseKind = (typeof PHASES)[number];

const phase = z.strictObject({
  /**
   * `ramp`: users come in; nothing is said until all are there. `warm_up`: as `steady`, but not in the figures. `spike`: see
   * `rate`. `storm`: at its begin a part of the connections is cut, all at once, and comes back (`stormShare`). `soak`: as
   * `steady`, for long.
   */
  kind: z.enum(PHASES),
  seconds: z
    .number()
    .positive()
    .max(7 * 24 * 3_600),
  /** Of the full rate of messages. */
  rate: z.number().min(0).max(100).default(1),
});

export const scenarioSchema = z.strictObject({
  version: z.literal(SCENARIO_VERSION),
  name: z.string().min(1).max(64),
  /** One sentence for people. */
  about: z.string().max(400).default(''),
  /** Connected all the time, and members of the conversations. */
  users: count(1_000_000),
  /** Connected all the time, and members of nothing. */
  idle: count(1_000_000).default(0),
  groups: z.array(group).max(8).default([]),
  talk: talk.optional(),
  /** Bytes of a text. */
  textBytes: z.number().int().min(SHORTEST_TEXT).max(8_192).default(64),
  /** Users who go, and come back after a while to what they missed; each second. */
  churnPerSecond: z.number().min(0).max(10_000).default(0),
  /** How long they stay away. */
  awaySeconds: z.number().min(0).max(3_600).default(2),
  /** Others who come in, stay for a second and go; each second. */
  visitorsPerSecond: z.number().min(0).max(100_000).default(0),
  /** The part of the users that stops reading from the first measured phase to the last. */
  slowShare: share.default(0),
  /** The part of all connections that is cut in a storm. */
  stormShare: share.default(1),
  phases: z.array(phase).min(1).max(64),
});

export type Scenario = z.output<typeof scenarioSchema>;
export type Group = z.output<typeof group>;
export type Phase = z.output<typeof phase>;

/** Whether what happens in a phase is part of the figures. */
export function isMeasured({ kind }: Phase): boolean {
  return kind !== 'ramp' && kind !== 'warm_up';
}

/** Messages a second that are due at the full rate; 0 in a closed loop. */
export function fullRate({ users, talk }: Scenario): number {
  return talk?.loop === 'open' ? (users * talk.perUserPerMinute) / 60 : 0;
}

/** Visitors that are told apart: more than are there at one time. */
export function visitorAccounts({ visitorsPerSecond }: Scenario): number {
  return visitorsPerSecond === 0 ? 0 : Math.min(1_000, Math.max(10, Math.ceil(visitorsPerSecond * 10)));
}

/** Accounts that a run logs in to. */
export function accountsNeeded(scenario: Scenario): number {
  return scenario.users + scenario.idle + visitorAccounts(scenario);
}

/** Why guests cannot play it: who loses a connection has to come back as the same person. Undefined if they can. */
export function whyAccounts(scenario: Scenario): string | undefined {
  if (scenario.churnPerSecond > 0) return 'people go and come back';
  if (scenario.slowShare > 0) return 'slow readers are sent away and come back';
  if (scenario.phases.some(({ kind }) => kind === 'storm')) return 'connections are lost and come back';
  return undefined;
}
