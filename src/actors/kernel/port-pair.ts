/** A channel between two threads, each of which gets one end of it. */

import { MessageChannel, type MessagePort } from 'node:worker_threads';
import type { Outcome } from './actor.ts';
import { handOver } from './thread.ts';

/** Hands an end of a channel to a thread. */
export type Give = (port: MessagePort) => Promise<Outcome<unknown>>;

/**
 * Links two threads. Either may die meanwhile, and takes its end along: then the other end is closed, or cannot be given any
 * more. Nothing has to be done about that here: who takes the dead one's place is linked anew. Returns true if both have got
 * their ends.
 */
export async function link(give: Give, giveOther: Give): Promise<boolean> {
  const { port1, port2 } = new MessageChannel();
  const given = await give(handOver(port1));
  if (given.type !== 'answered') {
    port2.close();
    return false;
  }
  try {
    return (await giveOther(handOver(port2))).type === 'answered';
  } catch (error) {
    if (!isGone(error)) throw error;
    return false;
  }
}

/** What posting a port says whose other end has died. */
function isGone(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'DataCloneError';
}
