/** What each thread of a supervised program offers to the thread that started it. */

import type { MessagePort } from 'node:worker_threads';
import type { Metrics } from './metrics.ts';

export interface ThreadApi {
  /** Takes its end of a channel to the thread of that role; `index` counts the threads of a role, from 0. */
  connect(role: string, index: number, port: MessagePort): void;
  metrics(): Metrics | Promise<Metrics>;
  /** Completes what it has begun, before it is terminated. */
  finish(): Promise<void>;
}

/** A channel to a thread of that role was offered to one that has no use for it. */
export function unexpected(role: string): Error {
  return new Error(`no channel to a thread of the role "${role}" belongs here`);
}
