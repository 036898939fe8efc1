/** What is still in memory, for tests that something is released. */

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect: unknown = runInNewContext('gc');

/** How many of these are still referenced. */
export async function countHeld(refs: ReadonlyArray<WeakRef<object>>): Promise<number> {
  if (typeof collect !== 'function') throw new Error('this Node has no gc()');
  // The target of a WeakRef that was created or dereferenced stays alive until the end of the job.
  await new Promise(setImmediate);
  collect();
  return refs.filter((ref) => ref.deref() !== undefined).length;
}
