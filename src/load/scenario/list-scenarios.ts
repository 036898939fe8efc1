/** `parley load list` and `parley load show`: print the scenarios. */

import { EXIT, type ExitCode } from '../../common/exit.ts';
import { answer, complain } from '../run/output.ts';
import { findScenario } from './scenario-file.ts';
import { SCENARIOS } from './scenarios.ts';

const NAME_WIDTH = 12;

export function listScenarios(): Promise<ExitCode> {
  const lines = [...SCENARIOS.values()].map(({ name, about }) => `${name.padEnd(NAME_WIDTH)}${about}\n`);
  return answer(lines.join(''));
}

/** Prints a scenario as JSON, as a scenario file contains it. */
export async function showScenario(name: string): Promise<ExitCode> {
  const found = findScenario(name);
  if (found.type === 'refused') {
    complain(found.text);
    return EXIT.usage;
  }
  return answer(`${JSON.stringify(found.scenario, undefined, 2)}\n`);
}
