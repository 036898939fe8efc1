/** What every thread of a supervised program offers to the thread that started it. */

import type { MessagePort } from 'node:worker_threads';
import type { Metrics } from './metrics.ts';

export interface ThreadApi {
  /**
   * Receives one end of a channel to a thread of that role. `index` numbers the threads of a role from 0. `own` is this
   * thread's side of the channel, for a thread with several roles.
   */
  connect(role: string, index: number, port: MessagePort, own: string): void;
  metrics(): Metrics | Promise<Metrics>;
  /** Completes the work in progress of that role before the thread is terminated. */
  finish(own: string): Promise<void>;
}

/** The error for a channel to a role that this thread has no use for. */
export function unexpected(role: string): Error {
  return new Error(`no channel to a thread of the role "${role}" belongs here`);
}
