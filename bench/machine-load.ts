/**
 * Measures what else ran on the machine during a run, because figures from a shared machine are only meaningful with that
 * context.
 */

import { setTimeout } from 'node:timers/promises';
import { listProc, readProc } from '../src/load/run/proc-file.ts';
import { ProcessUsage } from '../src/load/run/process-usage.ts';
import { formatSpread, type Spread, spreadOf } from './spread.ts';

/** Averages over the run, including the start of the server, in cores. */
export interface MachineLoad {
  /** Used by processes that are not part of the run, including kernel threads such as those that write to the disk. */
  readonly others: number;
  /** Withheld by the host of a virtual machine although this machine needed them. */
  readonly stolen: number;
  /** Server threads that were ready to run but had no core; their wait is part of all latencies. */
  readonly waiting: number;
}

/** USER_HZ, the unit of /proc/stat: 100 wherever Node runs; see proc_stat(5) and time(7). */
const TICKS = 100;

export class MachineLoadWatch {
  readonly #began = performance.now();
  readonly #machine = readMachine();
  readonly #own = process.cpuUsage();

  /** `pid`: a server that was started after this watch. */
  stop(pid: number): MachineLoad {
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

/** A sentence to print below a table. */
export function formatMachineLoad(runs: readonly MachineLoad[]): string {
  const others = spreadOf(runs.map((run) => run.others));
  const stolen = spreadOf(runs.map((run) => run.stolen));
  const waiting = spreadOf(runs.map((run) => run.waiting));
  const shown = (spread: Spread): string => formatSpread(spread, (value) => value.toFixed(2));
  return `Meanwhile other programs used ${shown(others)} cores of this machine, its host withheld ${shown(stolen)}, and ${shown(waiting)} server threads waited for a core.`;
}

/** Waits until other programs have used less than that many cores for a second, but at most `minutes`. */
export async function waitForQuiet(cores: number, minutes: number, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + minutes * 60_000;
  while (performance.now() < deadline) {
    const before = readMachine();
    await setTimeout(1_000, undefined, { signal });
    if (readMachine().busy - before.busy < cores) return;
  }
}

/** Seconds that the threads of a process were ready to run but not running: the second number of `schedstat`, which is in ns. */
function waitedBy(pid: number): number {
  const waits = listProc(`${pid}/task`).map((id) => readProc(`${pid}/task/${id}/schedstat`)?.split(' ')[1]);
  return waits.reduce((sum, wait) => sum + Number(wait ?? 0) / 1e9, 0);
}

/** Total seconds of all cores since boot. 0 if there is no /proc. */
function readMachine(): { readonly busy: number; readonly stolen: number } {
  const [line = ''] = (readProc('stat') ?? '').split('\n');
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, stolen = 0] = line
    .split(/ +/)
    .slice(1)
    .map((field) => Number(field) / TICKS);
  return { busy: user + nice + system + irq + softirq, stolen };
}
