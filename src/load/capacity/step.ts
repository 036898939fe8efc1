/** One step of the search for a server's capacity: a number of users, and whether the server carried them. */

import { totalmem } from 'node:os';
import { describeOutcome } from '../result/expect.ts';
import { faultsOf, isValid, type Result } from '../result/result.ts';
import type { Scenario } from '../scenario/scenario.ts';

/** Logins per second of a step's ramp. */
const LOGINS_PER_SECOND = 1_000;
const WARM_UP_SECONDS = 2;
/** From these fractions on, a thread, the cores or the memory count as the bottleneck. */
const THREAD_FULL = 0.9;
const CORES_FULL = 0.9;
const MEMORY_FULL = 0.85;

export interface Step {
  readonly users: number;
  readonly result: Result | undefined;
  readonly finding: Finding;
}

export type Finding =
  | { readonly type: 'carried' }
  | { readonly type: 'not_carried'; readonly why: string }
  /** Server and generator together saturate this machine, so the server alone might carry more. */
  | { readonly type: 'machine_full'; readonly why: string }
  /** The result is not valid, because something else keeps this machine busy. */
  | { readonly type: 'unknown'; readonly why: string };

export function stepOf(scenario: Scenario, users: number, seconds: number): Scenario {
  return {
    ...scenario,
    users,
    phases: [
      { kind: 'ramp', seconds: Math.max(1, users / LOGINS_PER_SECOND), rate: 1 },
      { kind: 'warm_up', seconds: Math.min(WARM_UP_SECONDS, seconds), rate: 1 },
      { kind: 'steady', seconds, rate: 1 },
    ],
  };
}

/** Only a valid result shows that a server does not carry its users. Lost messages count in any result. */
export function findingOf(result: Result): Finding {
  if (result.ended === 'server_gone') return notCarried('the server went away');
  if (faultsOf(result) > 0) {
    return notCarried(
      `messages were lost, repeated or out of order (${result.correctness.examples[0] ?? ''})`,
    );
  }
  if (!isValid(result)) {
    const saturation = coreSaturation(result);
    if (saturation !== undefined) return { type: 'machine_full', why: saturation };
    return { type: 'unknown', why: result.invalid[0] ?? '' };
  }
  if (result.figures.connections < result.scenario.users) {
    return notCarried('the server did not let all users in');
  }
  const missed = result.expectations.find(({ isMet }) => isMet === false);
  if (missed === undefined) return { type: 'carried' };
  if (missed.value === null) return notCarried('nothing was measured');
  return notCarried(`it is ${describeOutcome(missed)}: ${bottleneckOf(result)}`);
}

function notCarried(why: string): Finding {
  return { type: 'not_carried', why };
}

function bottleneckOf(result: Result): string {
  const { usage } = result;
  if (usage !== null && usage.busiestThread.share >= THREAD_FULL) {
    return `the server’s thread ${usage.busiestThread.name} is busy for ${percent(usage.busiestThread.share)} of the time`;
  }
  if (usage !== null && usage.bytesMost > totalmem() * MEMORY_FULL) return 'the machine’s memory is full';
  return (
    coreSaturation(result) ??
    'neither a server thread nor the machine is saturated; the disk may be the bottleneck'
  );
}

function coreSaturation({ usage, generator, environment, figures }: Result): string | undefined {
  const seconds = Math.max(1, figures.seconds);
  const server = (usage?.cpuSeconds ?? 0) / seconds;
  const own = generator.cpuSeconds / seconds;
  if ((server + own) / environment.cores < CORES_FULL) return undefined;
  return `all ${environment.cores} cores are busy; the server uses ${percent(server)} of one and this program ${percent(own)} of one`;
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
