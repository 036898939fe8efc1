/**
 * How worker threads end: by themselves, when told to, when they stop answering, and with the process.
 *
 * `worker.terminate()` interrupts JavaScript, but not native code (a query, a write to a disk that hangs), and not
 * every loop that V8 has optimized. A worker stuck there keeps its files open, so that no other can take its place, and
 * `process.exit` waits for it for ever: see `endProcess`.
 */

import type { MessagePort, Worker } from 'node:worker_threads';
import type { ExitReason } from './actor.ts';
import { testNumber } from './fault-injection.ts';
import { Watchdog } from './watchdog.ts';

/**
 * How long a worker may take to end. One that waits for a disk ends once the disk responds, which is better than ending
 * the process.
 */
const END_TIMEOUT_MS = 60_000;

const PING = 'ping';
const PONG = 'pong';

export interface ManagedWorker {
  readonly exited: Promise<ExitReason>;
  /** Resolves if the worker was terminated but continues to run. */
  readonly stuck: Promise<Error>;
  /**
   * Terminates the worker at once, whatever it is doing. Resolves when it is gone, or stuck. `cause` is the reported
   * reason.
   */
  end(cause?: Error): Promise<void>;
}

/** Workers that have not ended. */
const running = new Set<Worker>();
let isEnding = false;

/** Takes charge of a worker: reports how it ended, and can end it. */
export function manageWorker(worker: Worker, name: string): ManagedWorker {
  let failure: Error | undefined;
  let isGone = false;
  running.add(worker);
  const exited = new Promise<ExitReason>((resolve) => {
    worker.on('error', (error: unknown) => {
      failure ??= error instanceof Error ? error : new Error(String(error));
    });
    worker.once('exit', (code) => {
      isGone = true;
      running.delete(worker);
      if (failure !== undefined) resolve({ type: 'failed', error: failure });
      else resolve({ type: code === 0 ? 'normal' : 'killed' });
    });
  });
  const stuck = Promise.withResolvers<Error>();
  const end = async (cause?: Error): Promise<void> => {
    if (isGone) return;
    failure ??= cause;
    const deadline = setTimeout(() => {
      stuck.resolve(
        new Error(`thread ${name} cannot be terminated; only ending the process ends it`, { cause: failure }),
      );
    }, testNumber('PARLEY_TEST_END_MS') ?? END_TIMEOUT_MS);
    void worker.terminate();
    await Promise.race([exited, stuck.promise]);
    clearTimeout(deadline);
  };
  return { exited, stuck: stuck.promise, end };
}

/**
 * Pings the worker repeatedly, and ends it when it has not answered for `limitMs`; before its first answer, for
 * `FIRST_ANSWER_MS`.
 */
export function watchWorker(worker: Worker, limitMs: number, end: (cause: Error) => Promise<void>): void {
  const watchdog = new Watchdog(testNumber('PARLEY_TEST_WATCHDOG_MS') ?? limitMs, performance.now());
  worker.on('message', (message: unknown) => message === PONG && watchdog.answered());
  worker.postMessage(PING);
  const pinging = setInterval(() => {
    const silentMs = watchdog.check(performance.now());
    if (silentMs === undefined) worker.postMessage(PING);
    else {
      clearInterval(pinging);
      void end(new Error(`did not answer for ${Math.round(silentMs / 100) / 10} s and was terminated`));
    }
  }, watchdog.everyMs);
  worker.once('exit', () => clearInterval(pinging));
}

/** The worker's side of `watchWorker`. Comlink ignores these messages. */
export function answerPings(port: MessagePort): void {
  port.on('message', (message: unknown) => message === PING && port.postMessage(PONG));
}

/** True once the process is ending, when no worker may be started. */
export function isProcessEnding(): boolean {
  return isEnding;
}

/**
 * Ends all workers, then the process. `process.exit` would wait for ever for a worker that does not end, or for a write
 * to a disk that does not respond. Therefore, if anything is left after `timeoutMs`, SIGKILL ends the whole process,
 * and the exit code is that of SIGKILL. `isQuiet`, called when the workers are gone, says whether the last write has
 * returned.
 */
export async function endProcess(
  code: number,
  timeoutMs: number,
  isQuiet: () => Promise<boolean> = () => Promise.resolve(true),
): Promise<never> {
  isEnding = true;
  const ended = Promise.all(Array.from(running, (worker) => worker.terminate()));
  await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, timeoutMs))]);
  if (running.size > 0 || !(await isQuiet())) process.kill(process.pid, 'SIGKILL');
  process.exit(code);
}
