/** The signals that ask a server to stop. */

import { readFileSync, statSync } from 'node:fs';
import { basename } from 'node:path';

/**
 * Calls `stop` for every signal that asks to stop; `isAgain` if another one had done so before.
 *
 * - SIGTERM and SIGINT.
 * - SIGHUP, which a terminal sends when it is closed, often more than once: it only counts as the first. Under nohup it is
 *   ignored.
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
 * Whether nohup started this process. Node forgets at its start that a signal was to be ignored, so the traces of nohup
 * have to do: most shells name the program that they started in `_`, and nohup opens /dev/null as an input that cannot be
 * read where the input was a terminal.
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
