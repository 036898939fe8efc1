/** One run of the load test against a server that is started for it. */

import { VERSION } from '../src/common/version.ts';
import { faultsOf, type Result } from '../src/load/result/result.ts';
import { startOwnServer } from '../src/load/run/own-server.ts';
import type { Scenario } from '../src/load/scenario/scenario.ts';
import { type MachineLoad, MachineLoadWatch } from './machine-load.ts';
import { runScenario } from './run-scenario.ts';

export interface Trial {
  readonly scenario: Scenario;
  /** The server's data folder, which is kept. */
  readonly data: string;
  /** The password of prepared accounts in that folder; without it, users log in as guests. */
  readonly password?: string;
  /** Threads that serve connections; defaults to that of the server. */
  readonly workers?: number;
  readonly signal: AbortSignal;
}

/** The result of a complete run. */
export interface TrialResult extends MachineLoad {
  readonly result: Result;
}

/** Throws if the run is incomplete, or if a message was lost, repeated, out of order or delivered to somebody else. */
export async function runTrial({ scenario, data, password, workers, signal }: Trial): Promise<TrialResult> {
  signal.throwIfAborted();
  const watch = new MachineLoadWatch();
  const started = await startOwnServer({ data, workers });
  if (started.type === 'failed') throw new Error(started.text);
  const { server } = started;
  const { host, port } = server.address;
  try {
    const target = {
      name: `parley ${VERSION}`,
      host,
      port,
      wire: 'parley',
      pid: server.pid,
      password,
    } as const;
    const ran = await runScenario(scenario, target, signal);
    signal.throwIfAborted();
    if (ran.type === 'failed') throw new Error(ran.text);
    checkResult(ran.result);
    return { result: ran.result, ...watch.stop(server.pid) };
  } finally {
    await server.stop();
  }
}

/** Throws if the run did not complete, a message was lost, repeated, out of order or misplaced, or a request failed. */
export function checkResult(result: Result): void {
  const { ended, correctness, figures } = result;
  if (ended !== 'complete') throw new Error(`the run ended early: ${ended}`);
  if (faultsOf(result) > 0) throw new Error(`delivery faults: ${correctness.examples.join('; ')}`);
  const errors = Object.keys(figures.errors);
  if (errors.length > 0) throw new Error(`errors: ${errors.join(', ')}`);
}

/** CPU time of all server threads per delivery, in microseconds. Throws if there is no /proc to read it from. */
export function cpuPerDelivery({ usage }: Result): number {
  const cpu = usage?.cpuPerDelivery ?? undefined;
  if (cpu === undefined) throw new Error('the usage of the server is unknown, because it comes from /proc');
  return cpu;
}
