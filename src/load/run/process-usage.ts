/**
 * What a server uses: CPU time and memory of its process, of the process's threads, and of all processes below it. Read from
 * /proc, so only on Linux, and only for processes that this one may see. A sample of a server with 20 threads costs about two
 * milliseconds, however many connections there are.
 */

import { listProc, readProc, readStat } from './proc-file.ts';

export interface ThreadUse {
  /** No two threads have the same at one time. */
  readonly id: number;
  /** As the program called it, cut off after 15 bytes; Parley's are `shard-1`, `registry`, `auth`, `archive`. */
  readonly name: string;
  readonly cpuSeconds: number;
}

export interface UsageSample {
  /** Of `performance.now()`, in milliseconds. */
  readonly at: number;
  /** Since the processes began; of threads and child processes that have ended, too. */
  readonly cpuSeconds: number;
  /** Resident memory (VmRSS). What processes share is counted for each of them. */
  readonly bytes: number;
  readonly threads: readonly ThreadUse[];
}

/** What was used from one sample to another. */
export interface Used {
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** Cores that were busy on average. */
  readonly cores: number;
  /** The thread that used most, and the part of the time that it ran. A thread that ended in between is not known. */
  readonly busiest: { readonly name: string; readonly share: number };
}

export type StartedUsage =
  | { readonly type: 'started'; readonly usage: Usage }
  /** `text`: why there will be no figures. */
  | { readonly type: 'unknown'; readonly text: string };

const NANOSECONDS = 1e9;
const KIB = 1_024;

/** A sampler for one server. */
export class Usage {
  readonly #pid: number;
  readonly #born: string;

  static start(pid: number): StartedUsage {
    if (process.platform !== 'linux') {
      return unknown(
        'what the server uses is read from /proc, which only Linux has: there are no figures of it',
      );
    }
    const stat = readStat(pid);
    if (stat === undefined || hasEnded(stat.state)) {
      return unknown(
        `process ${pid} is not there, or not to be seen by this user: there are no figures of it`,
      );
    }
    return { type: 'started', usage: new Usage(pid, stat.born) };
  }

  private constructor(pid: number, born: string) {
    this.#pid = pid;
    this.#born = born;
  }

  /** Undefined when the process has ended, also if another one has got its id by now. */
  sample(): UsageSample | undefined {
    const at = performance.now();
    const top = processUse(this.#pid);
    if (top?.born !== this.#born) return undefined;
    const threads = [...top.threads];
    const below = [...top.children];
    let { cpuSeconds, bytes } = top;
    for (let pid = below.pop(); pid !== undefined; pid = below.pop()) {
      const use = processUse(pid);
      if (use === undefined) continue;
      cpuSeconds += use.cpuSeconds;
      bytes += use.bytes;
      threads.push(...use.threads);
      below.push(...use.children);
    }
    return { at, cpuSeconds, bytes, threads };
  }
}

export function usedBetween(from: UsageSample, to: UsageSample): Used {
  const seconds = Math.max((to.at - from.at) / 1_000, Number.MIN_VALUE);
  // A child that ended unwatched takes its time along, and the two sources below differ by a hundredth of a second.
  const cpuSeconds = Math.max(0, to.cpuSeconds - from.cpuSeconds);
  const before = new Map(from.threads.map(({ id, cpuSeconds }) => [id, cpuSeconds]));
  let busiest = { name: '', share: 0 };
  for (const { id, name, cpuSeconds } of to.threads) {
    const earlier = before.get(id) ?? 0;
    // The id of a thread that ended may be given to another, which has used less.
    const share = (cpuSeconds < earlier ? cpuSeconds : cpuSeconds - earlier) / seconds;
    if (share > busiest.share) busiest = { name, share };
  }
  return { seconds, cpuSeconds, cores: cpuSeconds / seconds, busiest };
}

interface ProcessUse {
  readonly born: string;
  readonly cpuSeconds: number;
  readonly bytes: number;
  readonly threads: readonly ThreadUse[];
  readonly children: readonly number[];
}

/** Undefined if there is no such process, or it has ended and only its parent has not taken notice yet. */
function processUse(pid: number): ProcessUse | undefined {
  const stat = readStat(pid);
  if (stat === undefined || hasEnded(stat.state)) return undefined;
  const ids = listProc(`${pid}/task`);
  const threads = ids.flatMap((id) => threadUse(pid, id));
  const living = threads.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
  return {
    born: stat.born,
    // `stat` has the threads that have ended too, in steps of 10 ms; the sum of those that live is finer.
    cpuSeconds: Math.max(stat.cpuSeconds, living) + stat.childrenSeconds,
    bytes: Number(/^VmRSS:\s*(\d+) kB$/m.exec(readProc(`${pid}/status`) ?? '')?.[1] ?? 0) * KIB,
    threads,
    children: ids.flatMap((id) => childrenOf(pid, id)),
  };
}

/** None if it has just ended. */
function threadUse(pid: number, id: string): ThreadUse[] {
  const stat = readStat(`${pid}/task/${id}`);
  if (stat === undefined) return [];
  // Its first number is the time on a CPU in nanoseconds (the kernel's Documentation/scheduler/sched-stats.rst), and always
  // 0 in a kernel without CONFIG_SCHED_INFO. `stat` has steps of 10 ms: 1 % of a second.
  const [nanoseconds = 0] = (readProc(`${pid}/task/${id}/schedstat`) ?? '').split(' ').map(Number);
  const cpuSeconds = nanoseconds > 0 ? nanoseconds / NANOSECONDS : stat.cpuSeconds;
  return [{ id: Number(id), name: stat.name, cpuSeconds }];
}

/** Processes that a thread has started. None in a kernel without CONFIG_PROC_CHILDREN, which few leave out. */
function childrenOf(pid: number, id: string): number[] {
  const text = readProc(`${pid}/task/${id}/children`) ?? '';
  return text.split(' ').flatMap((child) => (child === '' ? [] : [Number(child)]));
}

function hasEnded(state: string): boolean {
  return state === 'Z' || state === 'X';
}

function unknown(text: string): StartedUsage {
  return { type: 'unknown', text };
}
