/** Measures the latency of a client that sends one message at a time. */

import type { TestClient } from '../test/support/client.ts';

const PAUSE_MS = 5;

/** In milliseconds. */
export interface Latency {
  readonly p50: number;
  readonly p99: number;
}

/**
 * Sends to `to` for `end` milliseconds, or until the promise `end` settles. A message is complete when the server has
 * acknowledged it and, if there is a `reader` (which is `to` or a member of it), when the reader has received it.
 */
export async function measureChat(
  sender: TestClient,
  to: string,
  end: number | Promise<unknown>,
  reader?: TestClient,
): Promise<Latency> {
  return latencyOf(await timeChat(sender, to, end, reader));
}

/** Like `measureChat`, but returns the latency of each message in milliseconds. */
export async function timeChat(
  sender: TestClient,
  to: string,
  end: number | Promise<unknown>,
  reader?: TestClient,
): Promise<number[]> {
  const times: number[] = [];
  let isOver = false;
  const over = (): void => {
    isOver = true;
  };
  if (typeof end === 'number') setTimeout(over, end);
  else void end.then(over, over);
  while (!isOver) {
    // Discards older events, which nobody needs.
    if (reader !== undefined) reader.events.length = 0;
    const start = performance.now();
    await Promise.all([sender.ok('send', to, 'are you there?'), reader?.event('message')]);
    times.push(performance.now() - start);
    sender.answers.clear();
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  return times;
}

export function latencyOf(times: readonly number[]): Latency {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? 0;
  return { p50: at(0.5), p99: at(0.99) };
}
