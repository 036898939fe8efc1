/** A thread's share of the processor when there is not enough for all. */

import { readlinkSync } from 'node:fs';
import { constants, setPriority } from 'node:os';

/**
 * Lowers the priority of this thread, so that it uses what the others leave. On Linux priorities belong to threads, and
 * /proc has the thread's id; elsewhere the thread competes like any other.
 */
export function lowerPriority(to: 'below normal' | 'low' = 'low'): void {
  if (process.platform !== 'linux') return;
  try {
    const thread = Number(readlinkSync('/proc/thread-self').split('/').at(-1));
    const { PRIORITY_BELOW_NORMAL, PRIORITY_LOW } = constants.priority;
    setPriority(thread, to === 'low' ? PRIORITY_LOW : PRIORITY_BELOW_NORMAL);
  } catch {
    // Not permitted in this container: the thread keeps its normal priority, as on other systems.
  }
}
