/** Runs a scenario against a server that was started for it, with one generator thread. */

import { environmentOf } from '../src/load/run/environment.ts';
import { type RunOutcome, runLoad } from '../src/load/run/run.ts';
import type { Scenario } from '../src/load/scenario/scenario.ts';

export interface Target {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly wire: string;
  /** URL of the module that exports the wire; undefined if the wire is part of the load test. */
  readonly wireModule?: string | undefined;
  readonly pid: number | undefined;
  /** The password of prepared accounts; undefined if users log in as guests. */
  readonly password: string | undefined;
}

export function runScenario(scenario: Scenario, target: Target, signal: AbortSignal): Promise<RunOutcome> {
  const { name, host, port, wire, wireModule = wire, pid, password } = target;
  return runLoad(
    {
      scenario,
      seed: 1,
      threads: 1,
      endpoint: { host, port },
      wire: wireModule,
      password,
      pid,
      server: { address: `${host}:${port}`, protocol: wire, name, isOwn: true },
      environment: environmentOf(),
      expectations: [],
      abortOnFail: false,
    },
    { second: () => {}, signal },
  );
}
