/** Breaks the server's CPU time down by thread. */

import type { Result } from '../src/load/result/result.ts';
import { spreadOf } from './spread.ts';

/** The median CPU time per delivery by kind of thread, busiest first: `shard 0.9 µs, registry 0.2 µs`. */
export function describeThreads(results: readonly Result[]): string {
  const kinds = new Map<string, number[]>();
  for (const [index, { usage, figures }] of results.entries()) {
    for (const { name, cpuSeconds } of usage?.threads ?? []) {
      const kind = name.replace(/-\d+$/, '');
      const each = kinds.get(kind) ?? results.map(() => 0);
      each[index] = (each[index] ?? 0) + (cpuSeconds * 1e6) / figures.delivered;
      kinds.set(kind, each);
    }
  }
  return [...kinds]
    .map(([kind, each]) => ({ kind, time: spreadOf(each).median }))
    .toSorted((a, b) => b.time - a.time)
    .map(({ kind, time }) => `${kind} ${time.toFixed(3)} µs`)
    .join(', ');
}
