/** The files under /proc of Linux. What they hold is in proc_pid(5) and the manual pages that it names. */

import { readdirSync, readFileSync } from 'node:fs';

/** What a process, or one of its threads, says in its `stat`. */
export interface ProcessStat {
  /** The name of the program or of the thread, cut off by the kernel after 15 bytes. */
  readonly name: string;
  /** One letter; `Z` and `X` are of a process that has ended. */
  readonly state: string;
  readonly parent: number;
  /** CPU time in user and in kernel mode, of threads that have ended too, in seconds. */
  readonly cpuSeconds: number;
  /** The same of children that have ended and that it has waited for. */
  readonly childrenSeconds: number;
  /** When it began, in ticks since the system did. With the id, this tells processes apart for good. */
  readonly born: string;
}

/** USER_HZ, in which the kernel tells times to programs: 100 wherever Node runs, whatever the kernel's own HZ; time(7). */
const TICKS_PER_SECOND = 100;

/** The text of a file; undefined if its process has ended, or it may not be read, or this is not Linux. */
export function readProc(path: string): string | undefined {
  try {
    return readFileSync(`/proc/${path}`, 'latin1');
  } catch {
    return undefined;
  }
}

/** The names in a folder; none under the same conditions. */
export function listProc(path: string): readonly string[] {
  try {
    return readdirSync(`/proc/${path}`);
  } catch {
    return [];
  }
}

/** `of`: `PID`, or `PID/task/TID`. */
export function readStat(of: string | number): ProcessStat | undefined {
  const text = readProc(`${of}/stat`);
  return text === undefined ? undefined : parseStat(text);
}

/** The line of a `stat`: `7 (a name) S 1 …`. The name may hold blanks and parentheses: it ends at the last one. */
export function parseStat(text: string): ProcessStat {
  const nameEnd = text.lastIndexOf(')');
  const fields = text.slice(nameEnd + 2).split(' ');
  // The first of these is number 3 in proc_pid_stat(5).
  const field = (number: number): string => fields[number - 3] ?? '';
  const seconds = (number: number): number => Number(field(number)) / TICKS_PER_SECOND;
  return {
    name: Buffer.from(text.slice(text.indexOf('(') + 1, nameEnd), 'latin1').toString('utf8'),
    state: field(3),
    parent: Number(field(4)),
    cpuSeconds: seconds(14) + seconds(15),
    childrenSeconds: seconds(16) + seconds(17),
    born: field(22),
  };
}
