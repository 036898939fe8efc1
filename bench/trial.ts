/** One run of `parley load` against a server that is started for it. */

import { VERSION } from '../src/common/version.ts';
import { faultsOf, type Result } from '../src/load/result/result.ts';
import { startOwnServer } from '../src/load/run/own-server.ts';
import type { Scenario } from '../src/load/scenario/scenario.ts';
import { runScenario } from './run-scenario.ts';
import { type Surroundings, SurroundingsWatch } from './surroundings.ts';

export interface Trial {
  readonly scenario: Scenario;
  /** The data folder, which is kept. */
  readonly data: string;
  /** Of prepared accounts in that folder; without it people come in as guests. */
  readonly password?: string;
  /** Threads that serve connections; as many as a server takes by itself if left out. */
  readonly workers?: number;
  readonly signal: AbortSignal;
}

/** A complete run. */
export interface Tried extends Surroundings {
  readonly result: Result;
}

/** Throws if the run is not complete, or a message was lost, repeated, out of order or at the wrong place. */
export async function runTrial({ scenario, data, password, workers, signal }: Trial): Promise<Tried> {
  signal.throwIfAborted();
  const watch = new SurroundingsWatch();
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
  if (ended !== 'complete') throw new Error(`the run ended before its time: ${ended}`);
  if (faultsOf(result) > 0) throw new Error(`broken promises: ${correctness.examples.join('; ')}`);
  const errors = Object.keys(figures.errors);
  if (errors.length > 0) throw new Error(`errors: ${errors.join(', ')}`);
}

/** Microseconds of the server, all threads together. Throws where there is no /proc to read it from. */
export function cpuPerDelivery({ usage }: Result): number {
  const cpu = usage?.cpuPerDelivery ?? undefined;
  if (cpu === undefined) throw new Error('what the server uses is not known: that is read from /proc');
  return cpu;
}
