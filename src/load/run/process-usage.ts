/**
 * CPU time and memory of a process, its threads and all its descendants. Read from /proc, so it works only on Linux, and only for
 * processes that this one may inspect. A sample of a server with 20 threads takes about two milliseconds, regardless of the
 * number of connections.
 */

import { listProc, readProc, readStat } from './proc-file.ts';

export interface ThreadUsage {
  /** Unique among the running threads. */
  readonly id: number;
  /** The name that the program gave it, truncated to 15 bytes. Parley's are `shard-1`, `registry`, `auth`, `archive`. */
  readonly name: string;
  readonly cpuSeconds: number;
}

export interface UsageSample {
  /** From `performance.now()`, in milliseconds. */
  readonly at: number;
  /** Since the processes started. Includes threads and child processes that have ended. */
  readonly cpuSeconds: number;
  /** Resident memory (VmRSS). Shared memory is counted for each process. */
  readonly bytes: number;
  readonly threads: readonly ThreadUsage[];
}

/** The usage between two samples. */
export interface UsageInterval {
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** Average number of busy cores. */
  readonly cores: number;
  /** The thread with the most CPU time, and the fraction of the time that it ran. Threads that ended in between are unknown. */
  readonly busiest: { readonly name: string; readonly share: number };
}

export type StartedUsage =
  | { readonly type: 'started'; readonly usage: ProcessUsage }
  /** `text` says why there are no figures. */
  | { readonly type: 'unknown'; readonly text: string };

const NANOSECONDS = 1e9;
const KIB = 1_024;

/** Samples one process. */
export class ProcessUsage {
  readonly #pid: number;
  readonly #born: string;

  static start(pid: number): StartedUsage {
    if (process.platform !== 'linux') {
      return unknown(
        'there are no figures of the server’s usage, because they come from /proc, which only Linux has',
      );
    }
    const stat = readStat(pid);
    if (stat === undefined || hasEnded(stat.state)) {
      return unknown(
        `there are no figures of process ${pid}, because it does not exist or this user may not inspect it`,
      );
    }
    return { type: 'started', usage: new ProcessUsage(pid, stat.born) };
  }

  private constructor(pid: number, born: string) {
    this.#pid = pid;
    this.#born = born;
  }

  /** Undefined if the process has ended, even if another process has its id now. */
  sample(): UsageSample | undefined {
    const at = performance.now();
    const top = readProcess(this.#pid);
    if (top?.born !== this.#born) return undefined;
    const threads = [...top.threads];
    const descendants = [...top.children];
    let { cpuSeconds, bytes } = top;
    for (let pid = descendants.pop(); pid !== undefined; pid = descendants.pop()) {
      const use = readProcess(pid);
      if (use === undefined) continue;
      cpuSeconds += use.cpuSeconds;
      bytes += use.bytes;
      threads.push(...use.threads);
      descendants.push(...use.children);
    }
    return { at, cpuSeconds, bytes, threads };
  }
}

export function usageBetween(from: UsageSample, to: UsageSample): UsageInterval {
  const seconds = Math.max((to.at - from.at) / 1_000, Number.MIN_VALUE);
  // Can fall: a child that ended between samples takes its time with it, and the two sources below differ by up to 10 ms.
  const cpuSeconds = Math.max(0, to.cpuSeconds - from.cpuSeconds);
  const before = new Map(from.threads.map(({ id, cpuSeconds }) => [id, cpuSeconds]));
  let busiest = { name: '', share: 0 };
  for (const { id, name, cpuSeconds } of to.threads) {
    const earlier = before.get(id) ?? 0;
    // A new thread may have reused the id of one that ended, and then has used less.
    const share = (cpuSeconds < earlier ? cpuSeconds : cpuSeconds - earlier) / seconds;
    if (share > busiest.share) busiest = { name, share };
  }
  return { seconds, cpuSeconds, cores: cpuSeconds / seconds, busiest };
}

interface ProcessSample {
  readonly born: string;
  readonly cpuSeconds: number;
  readonly bytes: number;
  readonly threads: readonly ThreadUsage[];
  readonly children: readonly number[];
}

/** Undefined if there is no such process, or if it is a zombie. */
function readProcess(pid: number): ProcessSample | undefined {
  const stat = readStat(pid);
  if (stat === undefined || hasEnded(stat.state)) return undefined;
  const ids = listProc(`${pid}/task`);
  const threads = ids.flatMap((id) => readThread(pid, id));
  const running = threads.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
  return {
    born: stat.born,
    // `stat` includes threads that have ended, but in steps of 10 ms; the sum of the running threads is more precise.
    cpuSeconds: Math.max(stat.cpuSeconds, running) + stat.childrenSeconds,
    bytes: Number(/^VmRSS:\s*(\d+) kB$/m.exec(readProc(`${pid}/status`) ?? '')?.[1] ?? 0) * KIB,
    threads,
    children: ids.flatMap((id) => childrenOf(pid, id)),
  };
}

/** Empty if the thread has just ended. */
function readThread(pid: number, id: string): ThreadUsage[] {
  const stat = readStat(`${pid}/task/${id}`);
  if (stat === undefined) return [];
  // The first number is the CPU time in nanoseconds (see the kernel's Documentation/scheduler/sched-stats.rst). It is always 0 in
  // a kernel without CONFIG_SCHED_INFO; `stat` has steps of 10 ms, which is 1 % of a second.
  const [nanoseconds = 0] = (readProc(`${pid}/task/${id}/schedstat`) ?? '').split(' ').map(Number);
  const cpuSeconds = nanoseconds > 0 ? nanoseconds / NANOSECONDS : stat.cpuSeconds;
  return [{ id: Number(id), name: stat.name, cpuSeconds }];
}

/** Processes that a thread has started. Empty in the rare kernels without CONFIG_PROC_CHILDREN. */
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
