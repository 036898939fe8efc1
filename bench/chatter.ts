/** One client that sends one message after the other, and how long it waits for each acknowledgement. */

import type { TestClient } from '../test/support/client.ts';

const PAUSE_MS = 5;

export interface Latency {
  readonly p50: number;
  readonly p99: number;
}

/** Sends to `to` for `ms`; in milliseconds. */
export async function measureChat(chatter: TestClient, to: string, ms: number): Promise<Latency> {
  const end = performance.now() + ms;
  const times: number[] = [];
  while (performance.now() < end) {
    const start = performance.now();
    await chatter.ok('send', to, 'are you there?');
    times.push(performance.now() - start);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  times.sort((a, b) => a - b);
  const at = (share: number): number => times[Math.floor(times.length * share)] ?? 0;
  return { p50: at(0.5), p99: at(0.99) };
}

export function median(of: readonly number[]): number {
  const sorted = of.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
