/** The pool of threads that hash and verify passwords: bounded, and `busy` at once when it is full. */

import { randomBytes } from 'node:crypto';
import { Piscina } from 'piscina';
import type { HashTask } from './hash.worker.ts';
import { threadFile } from './thread.ts';

export type HashOutcome<T> =
  | { readonly type: 'done'; readonly value: T }
  | { readonly type: 'busy' }
  | { readonly type: 'failed'; readonly error: Error };

/** Waiting tasks for each thread of the pool: at about 20 ms each, nobody waits longer than 3 s. */
const QUEUE_PER_THREAD = 128;

export class HashPool {
  readonly #pool: Piscina<HashTask, unknown>;
  /** A hash that no password has, of the same cost, for names that do not exist. */
  readonly dummy = `$argon2id$v=19$m=19456,t=2,p=1$${token(16)}$${token(32)}`;

  constructor(threads: number) {
    this.#pool = new Piscina({
      filename: threadFile('./hash.worker.ts', import.meta.url).href,
      minThreads: 1,
      maxThreads: threads,
      maxQueue: threads * QUEUE_PER_THREAD,
      idleTimeout: 60_000,
    });
  }

  hash(password: string): Promise<HashOutcome<string>> {
    return this.#run({ type: 'hash', password }, (value) => typeof value === 'string');
  }

  /** For the passwords of a whole file at start, where nobody waits: never `busy`, throws if hashing fails. */
  async hashNow(password: string): Promise<string> {
    const outcome = await this.hash(password);
    if (outcome.type === 'done') return outcome.value;
    throw outcome.type === 'failed' ? outcome.error : new Error('the queue of the hash pool is full');
  }

  verify(password: string, hash: string): Promise<HashOutcome<boolean>> {
    return this.#run({ type: 'verify', password, hash }, (value) => typeof value === 'boolean');
  }

  close(): Promise<void> {
    return this.#pool.destroy();
  }

  async #run<T>(task: HashTask, is: (value: unknown) => value is T): Promise<HashOutcome<T>> {
    if (this.#pool.queueSize >= this.#pool.options.maxQueue) return { type: 'busy' };
    try {
      const value = await this.#pool.run(task);
      if (is(value)) return { type: 'done', value };
      return { type: 'failed', error: new TypeError('the hash thread answered with the wrong type') };
    } catch (error) {
      return { type: 'failed', error: error instanceof Error ? error : new Error(String(error)) };
    }
  }
}

/** Random bytes in the base64 of PHC strings: without padding. */
function token(bytes: number): string {
  return randomBytes(bytes).toString('base64').replaceAll('=', '');
}
