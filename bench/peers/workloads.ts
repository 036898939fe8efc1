/** The workloads to measure: closed loops, in which a conversation sends its next message when an earlier one has arrived. */

import { type Scenario, scenarioSchema } from '../../src/load/scenario/scenario.ts';

export interface Workload {
  readonly name: string;
  /** The heading on the page. */
  readonly title: string;
  readonly users: number;
  readonly group: { readonly kind: 'pairs' } | { readonly kind: 'rooms'; readonly size: number };
  /** Messages in flight in each conversation. */
  readonly inFlight: number;
}

export const TEXT_BYTES = 64;

export const WORKLOADS: readonly Workload[] = [
  {
    name: 'room',
    title: '1 room of 100, 64 messages in flight',
    users: 100,
    group: { kind: 'rooms', size: 100 },
    inFlight: 64,
  },
  {
    name: 'rooms',
    title: '10 rooms of 100, 16 messages in flight in each',
    users: 1_000,
    group: { kind: 'rooms', size: 100 },
    inFlight: 16,
  },
  {
    name: 'large-room',
    title: '1 room of 1,000, 16 messages in flight',
    users: 1_000,
    group: { kind: 'rooms', size: 1_000 },
    inFlight: 16,
  },
  {
    name: 'pairs',
    title: '100 pairs, 32 messages in flight in each',
    users: 200,
    group: { kind: 'pairs' },
    inFlight: 32,
  },
  {
    name: 'one',
    title: '1 room of 100, 1 message in flight',
    users: 100,
    group: { kind: 'rooms', size: 100 },
    inFlight: 1,
  },
];

const RAMP_SECONDS = 1;
/** Long enough for most just-in-time compilation to finish. */
const WARM_UP_SECONDS = 3;

export function scenarioOf(
  { name, title, users, group, inFlight }: Workload,
  seconds: number,
  warmUpSeconds: number = WARM_UP_SECONDS,
): Scenario {
  return scenarioSchema.parse({
    version: 1,
    name,
    about: title,
    users,
    groups: [group],
    talk: { loop: 'closed', inFlight },
    textBytes: TEXT_BYTES,
    phases: [
      { kind: 'ramp', seconds: RAMP_SECONDS },
      { kind: 'warm_up', seconds: warmUpSeconds },
      { kind: 'steady', seconds },
    ],
  });
}
