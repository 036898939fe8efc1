/** Programs that some tests need and that npm does not install. */

import { beforeEach } from 'vitest';
import { findProgram } from './program.ts';

/**
 * For the top of a test file, or of a `describe`: its tests are skipped if one of these programs is missing. In CI they
 * fail instead, so that nobody relies on tests that never ran.
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
