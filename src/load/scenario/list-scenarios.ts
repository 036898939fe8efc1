/** The scenarios that there are, for people. */

import { EXIT, type ExitCode } from '../../common/exit.ts';
import { answer, complain } from '../run/output.ts';
import { findScenario } from './scenario-file.ts';
import { SCENARIOS } from './scenarios.ts';

const NAME_WIDTH = 12;

export function listScenarios(): Promise<ExitCode> {
  const lines = [...SCENARIOS.values()].map(({ name, about }) => `${name.padEnd(NAME_WIDTH)}${about}\n`);
  return answer(lines.join(''));
}

/** Prints it as a file of one's own would be. */
export async function showScenario(name: string): Promise<ExitCode> {
  const found = findScenario(name);
  if (found.type === 'refused') {
    complain(found.text);
    return EXIT.usage;
  }
  return answer(`${JSON.stringify(found.scenario, undefined, 2)}\n`);
}
