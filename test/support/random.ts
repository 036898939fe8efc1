/** The random source of all tests: everything drawn follows from a seed, on every machine. */

/** A whole number from 0 to `below` − 1. */
export type Pick = (below: number) => number;

/** Mulberry32, a 32-bit generator. */
export function startRandom(seed: number): Pick {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

/** The random source of one cycle of a campaign. */
export function startCycle(seed: number, cycle: number): Pick {
  return startRandom(Math.imul(seed + 1, 0x9e3779b1) ^ cycle);
}
