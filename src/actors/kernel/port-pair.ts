/** A channel between two threads, each of which gets one end. */

import { MessageChannel, type MessagePort } from 'node:worker_threads';
import type { Outcome } from './actor.ts';
import { handOver } from './thread.ts';

/** Passes one end of a channel to a thread. */
export type PassPort = (port: MessagePort) => Promise<Outcome<unknown>>;

/**
 * Links two threads. If either dies meanwhile, its end closes with it, and the other end closes or can no longer be
 * passed on. Nothing needs to be done about that here, because the replacement of the dead thread is linked anew.
 * Returns true if both threads received their ends.
 */
export async function link(pass: PassPort, passOther: PassPort): Promise<boolean> {
  const { port1, port2 } = new MessageChannel();
  const passed = await pass(handOver(port1));
  if (passed.type !== 'answered') {
    port2.close();
    return false;
  }
  try {
    return (await passOther(handOver(port2))).type === 'answered';
  } catch (error) {
    if (!isGone(error)) throw error;
    return false;
  }
}

/** Posting a port whose other end has died throws this error. */
function isGone(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'DataCloneError';
}
