/** What else went on on the machine during a run: figures of a machine that others use, too, are to be read beside it. */

import { readProc } from '../src/load/proc-file.ts';
import { Usage } from '../src/load/usage.ts';
import { formatSpread, spreadOf } from './spread.ts';

/** Both in cores, on average over the run. */
export interface Surroundings {
  /** Of processes that are not of this run; threads of the kernel, such as those that write to the disk, among them. */
  readonly others: number;
  /** What the host of a virtual machine gave to somebody else while it was wanted here. */
  readonly stolen: number;
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
    const started = Usage.start(pid);
    const server = started.type === 'started' ? (started.usage.sample()?.cpuSeconds ?? 0) : 0;
    const own = (user + system) / 1e6 + server;
    return {
      others: Math.max(0, (busy - this.#machine.busy - own) / seconds),
      stolen: (stolen - this.#machine.stolen) / seconds,
    };
  }
}

/** For a line below a table. */
export function formatSurroundings(runs: readonly Surroundings[]): string {
  const others = spreadOf(runs.map((run) => run.others));
  const stolen = spreadOf(runs.map((run) => run.stolen));
  const cores = (value: number): string => value.toFixed(2);
  return `Meanwhile others used ${formatSpread(others, cores)} cores of this machine, and its host withheld ${formatSpread(stolen, cores)}.`;
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
