/** Signals that ask a server to stop. */

import { readFileSync, statSync } from 'node:fs';
import { basename } from 'node:path';

/**
 * Calls `stop` for every stop signal; `isAgain` if it is not the first.
 *
 * - SIGTERM and SIGINT.
 * - SIGHUP, which a closing terminal sends, often more than once: counts only as the first signal. Ignored under nohup.
 */
export function onStopSignal(stop: (signal: NodeJS.Signals, isAgain: boolean) => void): void {
  let isAgain = false;
  const obey = (signal: NodeJS.Signals): void => {
    if (!isAgain || signal !== 'SIGHUP') stop(signal, isAgain);
    isAgain = true;
  };
  process.on('SIGTERM', obey).on('SIGINT', obey);
  process.on('SIGHUP', isUnderNohup() ? () => {} : obey);
}

/**
 * Whether nohup started this process. At start-up Node forgets that a signal should be ignored, so this looks for
 * traces of nohup: most shells put the program they started in `_`, and if stdin was a terminal, nohup replaces it with
 * /dev/null opened for writing only.
 */
function isUnderNohup(): boolean {
  if (basename(process.env._ ?? '') === 'nohup') return true;
  try {
    const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync('/proc/self/fdinfo/0', 'utf8'))?.[1];
    const isWriteOnly = flags !== undefined && (Number.parseInt(flags, 8) & 3) === 1;
    return isWriteOnly && statSync('/proc/self/fd/0').rdev === statSync('/dev/null').rdev;
  } catch {
    return false;
  }
}
