/** The built-in scenarios. */

import type { z } from 'zod';
import { type Scenario, scenarioSchema } from './scenario.ts';

type ScenarioInput = Omit<z.input<typeof scenarioSchema>, 'version'>;

const STEADY: ScenarioInput['phases'] = [
  { kind: 'ramp', seconds: 5 },
  { kind: 'warm_up', seconds: 5 },
  { kind: 'steady', seconds: 30 },
];

const INPUTS: readonly ScenarioInput[] = [
  {
    name: 'rooms',
    about: 'A team or a class: every user is in one room of 25 and sends 6 messages a minute.',
    users: 200,
    groups: [{ kind: 'rooms', size: 25 }],
    talk: { loop: 'open', perUserPerMinute: 6 },
    phases: STEADY,
  },
  {
    name: 'pairs',
    about: 'Conversations of two: each user sends 12 messages a minute.',
    users: 200,
    groups: [{ kind: 'pairs' }],
    talk: { loop: 'open', perUserPerMinute: 12 },
    phases: STEADY,
  },
  {
    name: 'broadcast',
    about: 'One large room in which 4 users write, 2 messages a second in total.',
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
    about: 'A storm of logins: 20 users a second log in with a password and log out, while 50 others chat.',
    users: 50,
    groups: [{ kind: 'rooms', size: 25 }],
    talk: { loop: 'open', perUserPerMinute: 12 },
    visitorsPerSecond: 20,
    phases: STEADY,
  },
  {
    name: 'churn',
    about:
      'Bad networks: 200 users chat in rooms; 10 connections a second are lost and return after 2 seconds.',
    users: 200,
    groups: [{ kind: 'rooms', size: 25 }],
    talk: { loop: 'open', perUserPerMinute: 6 },
    churnPerSecond: 10,
    awaySeconds: 2,
    phases: STEADY,
  },
  {
    name: 'idle',
    about: 'Idle connections: 2,000 of them, beside 50 users who chat.',
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
    about: 'Slow readers: one in ten of 200 users in rooms stops reading and resumes at the end.',
    users: 200,
    groups: [{ kind: 'rooms', size: 25 }],
    talk: { loop: 'open', perUserPerMinute: 30 },
    slowShare: 0.1,
    phases: STEADY,
  },
  {
    name: 'reconnect',
    about: 'A network failure: while 500 users chat, all connections are lost at once and return.',
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
      'A mixed day at an office of 300: team rooms and large rooms, direct messages, users who come and go, a burst of messages.',
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
  INPUTS.map((input) => {
    const scenario = scenarioSchema.parse({ version: 1, ...input });
    return [scenario.name, scenario];
  }),
);
