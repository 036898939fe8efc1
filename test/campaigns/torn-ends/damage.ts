/** Damage to the end of a file: cut off, or overwritten from some byte on. */

import type { Pick } from '../../support/random.ts';

export const DAMAGES = ['cut', 'zeros', '0xFF', 'noise'] as const;
export type Damage = (typeof DAMAGES)[number];

/** Damages the bytes from `from` to `to`. A cut removes everything after `from`. */
export function damage(bytes: Buffer, how: Damage, from: number, to: number, pick: Pick): Buffer {
  if (how === 'cut') return bytes.subarray(0, from);
  const damaged = Buffer.from(bytes);
  switch (how) {
    case 'zeros':
      return damaged.fill(0, from, to);
    case '0xFF':
      return damaged.fill(0xff, from, to);
    case 'noise':
      // One byte in sixteen is a newline, so that the noise has lines.
      for (let at = from; at < to; at += 1) damaged[at] = pick(16) === 0 ? 0x0a : pick(256);
      return damaged;
    default:
      return how satisfies never;
  }
}

/** How many parts, which end at `ends`, the damage left intact, from the first on. */
export function countWhole(before: Buffer, after: Buffer, ends: readonly number[]): number {
  let start = 0;
  for (const [index, end] of ends.entries()) {
    if (end > after.length || before.compare(after, start, end, start, end) !== 0) return index;
    start = end;
  }
  return ends.length;
}

/** Every `stride`-th position, and all within two bytes of one of the `ends`. */
export function places(from: number, to: number, stride: number, ends: readonly number[]): number[] {
  const all = Array.from({ length: to - from + 1 }, (_, i) => from + i);
  return all.filter((at) => (at - from) % stride === 0 || ends.some((end) => Math.abs(end - at) <= 2));
}
