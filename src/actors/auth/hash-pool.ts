/**
 * The pool of threads that hash and verify passwords: bounded, first come first served. When full it returns `busy` at
 * once.
 */

import { randomBytes } from 'node:crypto';
import { Piscina } from 'piscina';
import { takeFaultyTask, testHeap, testNumber } from '../kernel/fault-injection.ts';
import { threadFile } from '../kernel/thread.ts';
import { WATCHDOG_MS } from '../kernel/watchdog.ts';
import type { HashTask } from './hash.worker.ts';

export type HashOutcome<T> =
  | { readonly type: 'done'; readonly value: T }
  | { readonly type: 'busy' }
  | { readonly type: 'failed'; readonly error: Error };

/** Waiting tasks per pool thread: at about 20 ms each, nobody waits longer than 3 s. */
const QUEUE_PER_THREAD = 128;

/** A task that takes longer than this many watchdog limits is abandoned, and its thread terminated; 20 ms is usual. */
const TASK_LIMITS = 3;

export class HashPool {
  readonly #pool: Piscina<unknown, unknown>;
  readonly #threads: number;
  readonly #warn: (text: string) => void;
  readonly #taskTimeoutMs = TASK_LIMITS * (testNumber('PARLEY_TEST_WATCHDOG_MS') ?? WATCHDOG_MS);
  /**
   * Tasks waiting for a thread, oldest first; calling one gives it a thread. Piscina's own queue does not preserve the
   * order: whenever a thread becomes free it moves the second-oldest task to the end.
   */
  readonly #waiting: Array<() => void> = [];
  #running = 0;
  #isClosed = false;
  /** A hash that no password matches, at the same cost, for names that do not exist. */
  readonly dummy = `$argon2id$v=19$m=19456,t=2,p=1$${token(16)}$${token(32)}`;

  /** `warn` is called when a thread has died. It is replaced; only the task in progress fails. */
  constructor(threads: number, warn: (text: string) => void = () => {}) {
    this.#threads = threads;
    this.#warn = warn;
    this.#pool = new Piscina({
      filename: threadFile('./hash.worker.ts', import.meta.url).href,
      minThreads: 1,
      maxThreads: threads,
      idleTimeout: 60_000,
      resourceLimits: testHeap(),
    });
    // A thread that dies between two tasks fails none of them, but an unhandled 'error' event would end the thread that
    // owns the pool.
    this.#pool.on('error', (error: Error) => this.#died(error));
  }

  /** Tasks being worked on. */
  get running(): number {
    return this.#running;
  }

  /** Tasks waiting for a thread. */
  get waiting(): number {
    return this.#waiting.length;
  }

  hash(password: string): Promise<HashOutcome<string>> {
    return this.#run({ type: 'hash', password }, (value) => typeof value === 'string');
  }

  /** For hashing a whole file at the start, when nobody else is waiting: never `busy`; throws if hashing fails. */
  async hashNow(password: string): Promise<string> {
    const outcome = await this.hash(password);
    if (outcome.type === 'done') return outcome.value;
    throw outcome.type === 'failed' ? outcome.error : new Error('the queue of the hash pool is full');
  }

  verify(password: string, hash: string): Promise<HashOutcome<boolean>> {
    return this.#run({ type: 'verify', password, hash }, (value) => typeof value === 'boolean');
  }

  /** Ends the threads. Running and waiting tasks fail. */
  close(): Promise<void> {
    this.#isClosed = true;
    return this.#pool.destroy();
  }

  async #run<T>(task: HashTask, is: (value: unknown) => value is T): Promise<HashOutcome<T>> {
    if (this.#running < this.#threads) {
      this.#running += 1;
    } else {
      if (this.#waiting.length >= this.#threads * QUEUE_PER_THREAD) return { type: 'busy' };
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    const outcome = await this.#runNow(task);
    const next = this.#waiting.shift();
    if (next === undefined) this.#running -= 1;
    else next();
    if (outcome.type !== 'done') return outcome;
    if (is(outcome.value)) return { type: 'done', value: outcome.value };
    return { type: 'failed', error: new TypeError('the hash thread answered with the wrong type') };
  }

  async #runNow(task: HashTask): Promise<HashOutcome<unknown>> {
    if (this.#isClosed) return { type: 'failed', error: new Error('the hash pool is closed') };
    const fault = takeFaultyTask('hash');
    const timeoutMs = fault?.timeoutMs ?? this.#taskTimeoutMs;
    const signal = AbortSignal.timeout(timeoutMs);
    try {
      const value = await this.#pool.run(fault?.task ?? task, { signal, filename: fault?.file ?? null });
      return { type: 'done', value };
    } catch (cause) {
      const error = signal.aborted
        ? new Error(`a hash took longer than ${timeoutMs} ms, so its thread was terminated`)
        : toError(cause);
      if (!this.#isClosed) this.#died(error);
      return { type: 'failed', error };
    }
  }

  #died(error: Error): void {
    this.#warn(`a hash thread failed and is being replaced: ${error.message}`);
  }
}

function toError(cause: unknown): Error {
  return cause instanceof Error ? cause : new Error(String(cause));
}

/** Random bytes in the base64 of PHC strings, without padding. */
function token(bytes: number): string {
  return randomBytes(bytes).toString('base64').replaceAll('=', '');
}
