/** Programs that some tests need and that npm does not install. */

import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { beforeEach } from 'vitest';

/** Where the first of these programs is that can be run. */
export function findProgram(...names: string[]): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(canRun);
}

/**
 * For the top of a test file, or of a `describe`: without one of these programs its tests are skipped. In CI they fail
 * instead, so that nobody believes in tests that never ran.
 */
export function needs(...names: string[]): string {
  const program = findProgram(...names);
  beforeEach((context) => {
    if (program !== undefined) return;
    if (process.env.CI) throw new Error(`this test needs ${names.join(' or ')}, and CI must have it`);
    context.skip(`needs ${names.join(' or ')}`);
  });
  return program ?? '';
}

function canRun(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
