/** What else went on on the machine during a run: figures of a machine that others use, too, are to be read beside it. */

import { setTimeout } from 'node:timers/promises';
import { listProc, readProc } from '../src/load/run/proc-file.ts';
import { ProcessUsage } from '../src/load/run/process-usage.ts';
import { formatSpread, type Spread, spreadOf } from './spread.ts';

/** In cores, on average over the run, the start of the server included. */
export interface Surroundings {
  /** Of processes that are not of this run; threads of the kernel, such as those that write to the disk, among them. */
  readonly others: number;
  /** What the host of a virtual machine gave to somebody else while it was wanted here. */
  readonly stolen: number;
  /** Threads of the server that were ready to run and had no core, on average: what they waited is in all latencies. */
  readonly waiting: number;
}

/** USER_HZ, in which /proc/stat counts: 100 wherever Node runs; proc_stat(5), time(7). */
const TICKS = 100;

export class SurroundingsWatch {
  readonly #began = performance.now();
  readonly #machine = readMachine();
  readonly #own = process.cpuUsage();

  /** `pid`: of a server that was started after this watch. */
  stop(pid: number): Surroundings {
    const seconds = (performance.now() - this.#began) / 1_000;
    const { busy, stolen } = readMachine();
    const { user, system } = process.cpuUsage(this.#own);
    const started = ProcessUsage.start(pid);
    const server = started.type === 'started' ? (started.usage.sample()?.cpuSeconds ?? 0) : 0;
    const own = (user + system) / 1e6 + server;
    return {
      others: Math.max(0, (busy - this.#machine.busy - own) / seconds),
      stolen: (stolen - this.#machine.stolen) / seconds,
      waiting: waitedBy(pid) / seconds,
    };
  }
}

/** For a line below a table. */
export function formatSurroundings(runs: readonly Surroundings[]): string {
  const others = spreadOf(runs.map((run) => run.others));
  const stolen = spreadOf(runs.map((run) => run.stolen));
  const waiting = spreadOf(runs.map((run) => run.waiting));
  const shown = (spread: Spread): string => formatSpread(spread, (value) => value.toFixed(2));
  return `Meanwhile others used ${shown(others)} cores of this machine, and its host withheld ${shown(stolen)}; ${shown(waiting)} threads of the server were waiting for a core.`;
}

/** Waits until others have used less than that many cores for a second, `minutes` at most. */
export async function waitForQuiet(cores: number, minutes: number, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + minutes * 60_000;
  while (performance.now() < deadline) {
    const before = readMachine();
    await setTimeout(1_000, undefined, { signal });
    if (readMachine().busy - before.busy < cores) return;
  }
}

/** Seconds that the threads of a process have been ready to run without running: the second number of `schedstat`, in ns. */
function waitedBy(pid: number): number {
  const waits = listProc(`${pid}/task`).map((id) => readProc(`${pid}/task/${id}/schedstat`)?.split(' ')[1]);
  return waits.reduce((sum, wait) => sum + Number(wait ?? 0) / 1e9, 0);
}

/** Seconds of all cores together since the system began. 0 where there is no /proc. */
function readMachine(): { readonly busy: number; readonly stolen: number } {
  const [line = ''] = (readProc('stat') ?? '').split('\n');
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, stolen = 0] = line
    .split(/ +/)
    .slice(1)
    .map((field) => Number(field) / TICKS);
  return { busy: user + nice + system + irq + softirq, stolen };
}
