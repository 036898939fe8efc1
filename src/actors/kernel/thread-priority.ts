/** How much of the processor a thread gets when there is not enough of it for all. */

import { readlinkSync } from 'node:fs';
import { constants, setPriority } from 'node:os';

/**
 * Lowers the priority of this thread: it takes what the others leave over. On Linux a priority belongs to a thread,
 * and its id can be read from /proc; elsewhere the thread competes like any other.
 */
export function lowerPriority(to: 'below normal' | 'low' = 'low'): void {
  if (process.platform !== 'linux') return;
  try {
    const thread = Number(readlinkSync('/proc/thread-self').split('/').at(-1));
    const { PRIORITY_BELOW_NORMAL, PRIORITY_LOW } = constants.priority;
    setPriority(thread, to === 'low' ? PRIORITY_LOW : PRIORITY_BELOW_NORMAL);
  } catch {
    // Not allowed in this container: the same speed for all, as elsewhere.
  }
}
