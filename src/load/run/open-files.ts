/** Whether a process may have as many files open as a run needs: each connection is one, on either side. */

import { readProc } from './proc-file.ts';

/** RLIMIT_NOFILE of a process; Infinity without a limit. */
export interface OpenFiles {
  /** What it may open. */
  readonly soft: number;
  /** What it may raise that to. */
  readonly hard: number;
}

export type CheckedFiles = { readonly type: 'enough' } | { readonly type: 'too_few'; readonly text: string };

export interface FilesOfRun {
  /** The most at one time. */
  readonly connections: number;
  /** Threads of the generator. */
  readonly threads: number;
  /** The server's process, if it is known; an own one that is yet to be started has the limit of this process. */
  readonly serverPid?: number | undefined;
}

/** A Node process at rest has about 25 files open and each of its threads 5 more; the rest is for what it reads. */
const FILES_AT_REST = 64;
const FILES_PER_THREAD = 8;
/** A Parley server at rest has about 70 with 2 workers. */
const FILES_OF_SERVER = 256;

/**
 * The limit of a process, by default this one; undefined if it is not known. Node raises its own soft limit to the hard one
 * when it starts, and its child processes inherit that (`PlatformInit` in Node's src/node.cc): for a Node process both are
 * the same, and it is the hard limit that has to be raised.
 */
export function openFilesOf(pid: number | 'self' = 'self'): OpenFiles | undefined {
  const [, soft, hard] = /^Max open files +(\S+) +(\S+)/m.exec(readProc(`${pid}/limits`) ?? '') ?? [];
  return soft === undefined || hard === undefined ? undefined : { soft: limit(soft), hard: limit(hard) };
}

/** What is not known, as on other systems than Linux, is taken to be enough. */
export function checkOpenFiles({ connections, threads, serverPid }: FilesOfRun): CheckedFiles {
  const generator = connections + FILES_AT_REST + threads * FILES_PER_THREAD;
  const server = connections + FILES_OF_SERVER;
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
    `${who} needs ${needed} open files for this run, and may have ${limit.soft}. Either take fewer users, or raise the limit and start again:`,
    `  in this shell:      ulimit -n ${needed}${limit.hard < needed ? `   (only root can: the hard limit is ${limit.hard})` : ''}`,
    `  for good:           "* hard nofile ${needed}" and "* soft nofile ${needed}" in /etc/security/limits.conf, and log in again`,
    `  a systemd service:  LimitNOFILE=${needed} under [Service]`,
  ];
  if (needed > most) lines.push(`  before any of it:   sysctl -w fs.nr_open=${needed}   (it is ${most} now)`);
  return { type: 'too_few', text: lines.join('\n') };
}

function limit(text: string): number {
  return text === 'unlimited' ? Number.POSITIVE_INFINITY : Number(text);
}
