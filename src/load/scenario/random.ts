/** Reproducible random numbers: everything drawn in a run follows from its seed. */

/** Returns a number of at least 0 and less than 1. */
export type Random = () => number;

/**
 * splitmix32. Source: https://github.com/bryc/code/blob/master/jshash/PRNGs.md. `stream` selects one of several independent
 * series of a seed.
 */
export function startRandom(seed: number, stream = 0): Random {
  let state = (seed ^ Math.imul(stream + 1, 0x9e3779b9)) | 0;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
}

/** Returns an integer of at least 0 and less than `bound`. */
export function below(random: Random, bound: number): number {
  return Math.floor(random() * bound);
}

/** Shuffles an array in place. */
export function shuffle<T>(items: T[], random: Random): T[] {
  for (let i = items.length - 1; i > 0; i -= 1) {
    const j = below(random, i + 1);
    const [a, b] = [items[i], items[j]];
    if (a === undefined || b === undefined) continue;
    items[i] = b;
    items[j] = a;
  }
  return items;
}
