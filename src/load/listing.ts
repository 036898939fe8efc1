/** The scenarios that there are, for people. */

import { EXIT, type ExitCode } from '../exit.ts';
import { findScenario } from './scenario-file.ts';
import { SCENARIOS } from './scenarios.ts';

const NAME_WIDTH = 12;

export function listScenarios(): string {
  return [...SCENARIOS.values()].map(({ name, about }) => `${name.padEnd(NAME_WIDTH)}${about}\n`).join('');
}

/** Prints it as a file of one's own would be. */
export function showScenario(name: string): ExitCode {
  const found = findScenario(name);
  if (found.type === 'refused') {
    console.error(`parley: ${found.text}`);
    return EXIT.usage;
  }
  process.stdout.write(`${JSON.stringify(found.scenario, undefined, 2)}\n`);
  return EXIT.ok;
}
