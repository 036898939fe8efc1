/** What is still in memory: for tests that something is let go of. */

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect: unknown = runInNewContext('gc');

/** How many of these are still held by somebody. */
export async function countHeld(refs: ReadonlyArray<WeakRef<object>>): Promise<number> {
  if (typeof collect !== 'function') throw new Error('this Node has no gc()');
  // What a WeakRef was made of or gave back stays until the end of the job.
  await new Promise(setImmediate);
  collect();
  return refs.filter((ref) => ref.deref() !== undefined).length;
}
