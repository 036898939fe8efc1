/** The processes of this machine. Linux. */

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Node processes with that argument, without npm and shells. */
export function findProcesses(argument: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const isShell = /(?:sh|busybox)$/.test(readlinkSync(`/proc/${pid}/exe`));
        const args = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
        return !isShell && args.includes(argument);
      } catch {
        return false;
      }
    });
}
