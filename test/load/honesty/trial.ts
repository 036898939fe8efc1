/** `parley load`, the real program, against a relay: what the one reports, and what the other has counted. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { z } from 'zod';
import type { Result } from '../../../src/load/result/result.ts';
import { readResult } from '../../../src/load/result/result-file.ts';
import type { scenarioSchema } from '../../../src/load/scenario/scenario.ts';
import { type RunningProcess, runProcess } from '../../support/process.ts';
import { PARLEY } from '../../support/server.ts';
import type { Counted, Faults } from './faults.ts';
import { startRelay } from './relay.ts';

/** Longer than any of them takes on a machine with something else to do. */
export const TRIAL_MS = 45_000;

type Scenario = Omit<z.input<typeof scenarioSchema>, 'version' | 'name'>;

/**
 * Forty people in rooms of ten: 9 deliveries of each of 600 messages a second. Nobody has said anything before the measured
 * phase.
 */
export const ROOMS: Scenario = {
  users: 40,
  groups: [{ kind: 'rooms', size: 10 }],
  talk: { loop: 'open', perUserPerMinute: 900 },
  phases: [
    { kind: 'ramp', seconds: 0.2 },
    { kind: 'steady', seconds: 1.5 },
  ],
};

export interface Trial {
  readonly code: number | null;
  readonly result: Result;
  readonly counted: Counted;
  readonly stdout: string;
  readonly stderr: string;
}

/** The exit code of a run in which nothing went wrong: on a machine that is busy with something else it is not valid. */
export function goodCode({ invalid }: Result): number {
  return invalid.length > 0 ? 75 : 0;
}

let files = 0;

/** A file with that scenario. */
export function scenarioFile(folder: string, scenario: Scenario): string {
  files += 1;
  const file = join(folder, `scenario-${files}.json`);
  writeFileSync(file, JSON.stringify({ version: 1, name: 'trial', ...scenario }));
  return file;
}

export function startLoad(args: readonly string[]): RunningProcess {
  return runProcess(process.execPath, [PARLEY, 'load', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Runs it to its end. `during` is called when the program has been started. */
export async function tryOut(
  folder: string,
  faults: Faults,
  scenario: Scenario = ROOMS,
  args: readonly string[] = [],
  during: (program: RunningProcess) => Promise<void> = async () => {},
): Promise<Trial> {
  const relay = await startRelay(faults);
  const file = scenarioFile(folder, scenario);
  const json = file.replace('scenario-', 'result-');
  const program = startLoad([file, '--server', relay.address, '--json', json, '--seed', '7', ...args]);
  await during(program);
  const { code } = await program.exit(TRIAL_MS);
  const read = await readResult(json);
  const state = `${program.stdout()}\n${program.stderr()}`;
  if (read.type === 'unreadable') throw new Error(`${read.text}\n${state}`);
  const counted = await relay.counted();
  relay.stop();
  return { code, result: read.result, counted, stdout: program.stdout(), stderr: program.stderr() };
}
