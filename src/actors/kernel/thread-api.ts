/** What every thread of a supervised program offers to the thread that started it. */

import type { MessagePort } from 'node:worker_threads';
import type { Metrics } from './metrics.ts';

export interface ThreadApi {
  /** Receives one end of a channel to a thread of that role. `index` numbers the threads of a role from 0. */
  connect(role: string, index: number, port: MessagePort): void;
  metrics(): Metrics | Promise<Metrics>;
  /** Completes the work in progress before the thread is terminated. */
  finish(): Promise<void>;
}

/** The error for a channel to a role that this thread has no use for. */
export function unexpected(role: string): Error {
  return new Error(`no channel to a thread of the role "${role}" belongs here`);
}
