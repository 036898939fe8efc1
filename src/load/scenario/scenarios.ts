/** The scenarios that come with the program. */

import type { z } from 'zod';
import { type Scenario, scenarioSchema } from './scenario.ts';

type Given = Omit<z.input<typeof scenarioSchema>, 'version'>;

const STEADY: Given['phases'] = [
  { kind: 'ramp', seconds: 5 },
  { kind: 'warm_up', seconds: 5 },
  { kind: 'steady', seconds: 30 },
];

const GIVEN: readonly Given[] = [
  {
    name: 'rooms',
    about: 'A team or a class: everybody is in one room of 25, and writes 6 messages a minute.',
    users: 200,
    groups: [{ kind: 'rooms', size: 25 }],
    talk: { loop: 'open', perUserPerMinute: 6 },
    phases: STEADY,
  },
  {
    name: 'pairs',
    about: 'Conversations of two: each writes 12 messages a minute.',
    users: 200,
    groups: [{ kind: 'pairs' }],
    talk: { loop: 'open', perUserPerMinute: 12 },
    phases: STEADY,
  },
  {
    name: 'broadcast',
    about: 'One room with everybody in it, in which 4 people write, 2 messages a second in all.',
    users: 1_000,
    groups: [{ kind: 'rooms', size: 100_000, writers: 4 }],
    talk: { loop: 'open', perUserPerMinute: 0.12 },
    phases: [
      { kind: 'ramp', seconds: 10 },
      { kind: 'warm_up', seconds: 5 },
      { kind: 'steady', seconds: 30 },
    ],
  },
  {
    name: 'logins',
    about: 'A storm of logins: 20 people a second come in with their passwords and go, while 50 others chat.',
    users: 50,
    groups: [{ kind: 'rooms', size: 25 }],
    talk: { loop: 'open', perUserPerMinute: 12 },
    visitorsPerSecond: 20,
    phases: STEADY,
  },
  {
    name: 'churn',
    about:
      'Bad networks: 200 people chat in rooms, 10 connections are lost each second and come back after 2 seconds.',
    users: 200,
    groups: [{ kind: 'rooms', size: 25 }],
    talk: { loop: 'open', perUserPerMinute: 6 },
    churnPerSecond: 10,
    awaySeconds: 2,
    phases: STEADY,
  },
  {
    name: 'idle',
    about: 'A crowd that says nothing: 2,000 connections, beside 50 people who chat.',
    users: 50,
    idle: 2_000,
    groups: [{ kind: 'rooms', size: 25 }],
    talk: { loop: 'open', perUserPerMinute: 12 },
    phases: [
      { kind: 'ramp', seconds: 15 },
      { kind: 'warm_up', seconds: 5 },
      { kind: 'steady', seconds: 30 },
    ],
  },
  {
    name: 'slow',
    about: 'Slow readers: of 200 people in rooms, one in ten stops reading, and reads on at the end.',
    users: 200,
    groups: [{ kind: 'rooms', size: 25 }],
    talk: { loop: 'open', perUserPerMinute: 30 },
    slowShare: 0.1,
    phases: STEADY,
  },
  {
    name: 'reconnect',
    about: 'A network that fails: in the middle of chat all 500 connections are lost at once, and come back.',
    users: 500,
    groups: [{ kind: 'rooms', size: 25 }],
    talk: { loop: 'open', perUserPerMinute: 6 },
    phases: [
      { kind: 'ramp', seconds: 10 },
      { kind: 'warm_up', seconds: 5 },
      { kind: 'steady', seconds: 10 },
      { kind: 'storm', seconds: 15 },
    ],
  },
  {
    name: 'office',
    about:
      'A mixed day at an office of 300: rooms of a team and of everybody’s interest, direct messages, people who come and go, a rush.',
    users: 300,
    idle: 50,
    groups: [
      { kind: 'rooms', weight: 6, size: 12 },
      { kind: 'rooms', weight: 1, size: 100, perUser: 2, writers: 20 },
      { kind: 'pairs', weight: 3 },
    ],
    talk: { loop: 'open', perUserPerMinute: 4 },
    churnPerSecond: 2,
    awaySeconds: 3,
    visitorsPerSecond: 1,
    phases: [
      { kind: 'ramp', seconds: 10 },
      { kind: 'warm_up', seconds: 5 },
      { kind: 'steady', seconds: 20 },
      { kind: 'spike', seconds: 5, rate: 5 },
      { kind: 'steady', seconds: 10 },
    ],
  },
];

export const SCENARIOS: ReadonlyMap<string, Scenario> = new Map(
  GIVEN.map((given) => {
    const scenario = scenarioSchema.parse({ version: 1, ...given });
    return [scenario.name, scenario];
  }),
);
