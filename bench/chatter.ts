/** One client that sends one message after the other, and how long it waits for each. */

import type { TestClient } from '../test/support/client.ts';

const PAUSE_MS = 5;

/** In milliseconds. */
export interface Latency {
  readonly p50: number;
  readonly p99: number;
}

/**
 * Sends to `to`, for so many milliseconds or until `end` settles. A message counts as done when its sender has been told that it is
 * stored; with a `reader`, which is `to` or a member of it, not before that has it too.
 */
export async function measureChat(
  chatter: TestClient,
  to: string,
  end: number | Promise<unknown>,
  reader?: TestClient,
): Promise<Latency> {
  return latencyOf(await timeChat(chatter, to, end, reader));
}

/** The same, as what each message took, in milliseconds. */
export async function timeChat(
  chatter: TestClient,
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
    // Nobody looks at what came before.
    if (reader !== undefined) reader.events.length = 0;
    const start = performance.now();
    await Promise.all([chatter.ok('send', to, 'are you there?'), reader?.event('message')]);
    times.push(performance.now() - start);
    chatter.answers.clear();
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  return times;
}

export function latencyOf(times: readonly number[]): Latency {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? 0;
  return { p50: at(0.5), p99: at(0.99) };
}
