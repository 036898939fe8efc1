/** Reads files of Linux's /proc. proc_pid(5) and the manual pages it refers to describe them. */

import { readdirSync, readFileSync } from 'node:fs';

/** The `stat` of a process or of one of its threads. */
export interface ProcessStat {
  /** The name of the program or the thread, which the kernel truncates to 15 bytes. */
  readonly name: string;
  /** One letter; `Z` and `X` mean that the process has ended. */
  readonly state: string;
  readonly parent: number;
  /** CPU time in user and kernel mode in seconds, including threads that have ended. */
  readonly cpuSeconds: number;
  /** The same for children that have ended and that it has waited for. */
  readonly childrenSeconds: number;
  /** Start time, in ticks since boot. Together with the id it identifies a process for good. */
  readonly born: string;
}

/**
 * USER_HZ, the unit of times that the kernel reports to programs: 100 wherever Node runs, whatever the kernel's own HZ; see
 * time(7).
 */
const TICKS_PER_SECOND = 100;

/** The text of a file. Undefined if its process has ended, if it must not be read, or if this is not Linux. */
export function readProc(path: string): string | undefined {
  try {
    return readFileSync(`/proc/${path}`, 'latin1');
  } catch {
    return undefined;
  }
}

/** The names in a folder. Empty under the same conditions. */
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

/**
 * Parses the line of a `stat`: `7 (a name) S 1 …`. The name may contain spaces and parentheses; it ends at the last closing one.
 */
export function parseStat(text: string): ProcessStat {
  const nameEnd = text.lastIndexOf(')');
  const fields = text.slice(nameEnd + 2).split(' ');
  // The first of these fields is number 3 in proc_pid_stat(5).
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
