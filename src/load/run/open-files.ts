/** Checks whether a run may open enough files. Each connection is an open file on both sides. */

import { readProc } from './proc-file.ts';

/** RLIMIT_NOFILE of a process; Infinity if there is no limit. */
export interface OpenFiles {
  /** How many files it may open. */
  readonly soft: number;
  /** How far it may raise the soft limit. */
  readonly hard: number;
}

export type CheckedFiles = { readonly type: 'enough' } | { readonly type: 'too_few'; readonly text: string };

export interface RunSize {
  /** The most connections at a time. */
  readonly connections: number;
  /** Generator threads. */
  readonly threads: number;
  /** The server's process, if it is known. A server that is yet to be started will have the limit of this process. */
  readonly serverPid?: number | undefined;
}

/** An idle Node process has about 25 files open, and each of its threads 5 more; the rest is a margin for files it reads. */
const IDLE_FILES = 64;
const FILES_PER_THREAD = 8;
/** An idle Parley server with 2 workers has about 70 files open. */
const SERVER_FILES = 256;

/**
 * The limit of a process, by default this one; undefined if unknown. Node raises its own soft limit to the hard limit at start,
 * and its child processes inherit that (`PlatformInit` in Node's src/node.cc). So in a Node process both are equal, and it is the
 * hard limit that has to be raised.
 */
export function openFilesOf(pid: number | 'self' = 'self'): OpenFiles | undefined {
  const [, soft, hard] = /^Max open files +(\S+) +(\S+)/m.exec(readProc(`${pid}/limits`) ?? '') ?? [];
  return soft === undefined || hard === undefined ? undefined : { soft: limit(soft), hard: limit(hard) };
}

/** An unknown limit, as on systems other than Linux, counts as sufficient. */
export function checkOpenFiles({ connections, threads, serverPid }: RunSize): CheckedFiles {
  const generator = connections + IDLE_FILES + threads * FILES_PER_THREAD;
  const server = connections + SERVER_FILES;
  const own = checkLimit(
    'this process',
    openFilesOf(),
    Math.max(generator, serverPid === undefined ? server : 0),
  );
  if (own.type === 'too_few' || serverPid === undefined) return own;
  return checkLimit(`the server (process ${serverPid})`, openFilesOf(serverPid), server);
}

function checkLimit(who: string, limit: OpenFiles | undefined, needed: number): CheckedFiles {
  if (limit === undefined || limit.soft >= needed) return { type: 'enough' };
  const most = Number(readProc('sys/fs/nr_open') ?? Number.POSITIVE_INFINITY);
  const lines = [
    `${who} needs ${needed} open files for this run, but its limit is ${limit.soft}. Use fewer users, or raise the limit and start again:`,
    `  in this shell:      ulimit -n ${needed}${limit.hard < needed ? `   (as root, because the hard limit is ${limit.hard})` : ''}`,
    `  permanently:        "* hard nofile ${needed}" and "* soft nofile ${needed}" in /etc/security/limits.conf, and log in again`,
    `  a systemd service:  LimitNOFILE=${needed} under [Service]`,
  ];
  if (needed > most) lines.push(`  before that:        sysctl -w fs.nr_open=${needed}   (it is ${most} now)`);
  return { type: 'too_few', text: lines.join('\n') };
}

function limit(text: string): number {
  return text === 'unlimited' ? Number.POSITIVE_INFINITY : Number(text);
}
