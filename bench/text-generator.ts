/** Generates random texts whose words have realistic frequencies (Zipf), the frequent ones being short. */

import type { Random } from '../src/load/scenario/random.ts';

const VOCABULARY = 50_000;

export class TextGenerator {
  /** Most frequent first. */
  readonly vocabulary: readonly string[];
  readonly #random: Random;
  readonly #draw: () => number;

  constructor(random: Random) {
    this.#random = random;
    this.vocabulary = makeWords(random);
    this.#draw = zipf(random, VOCABULARY, 1);
  }

  /** The words of a message: 10 on average, at least 2. */
  words(): string[] {
    const length = 2 + Math.floor(-Math.log(1 - this.#random()) * 9);
    return Array.from({ length }, () => this.vocabulary[this.#draw()] ?? '');
  }
}

/** Draws numbers from 0 to `count - 1`; the n-th with a probability proportional to 1 / n^exponent. */
export function zipf(random: Random, count: number, exponent: number): () => number {
  const sums = new Float64Array(count);
  let sum = 0;
  for (let rank = 0; rank < count; rank += 1) {
    sum += 1 / (rank + 1) ** exponent;
    sums[rank] = sum;
  }
  return () => {
    const drawn = random() * sum;
    let low = 0;
    let high = count - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((sums[middle] ?? 0) < drawn) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

/** Short words first, as in natural languages. */
function makeWords(random: Random): string[] {
  const pick = (letters: string): string => letters.charAt(Math.floor(random() * letters.length));
  const words = new Set<string>();
  while (words.size < VOCABULARY) {
    const syllables = 1 + Math.floor(Math.log2(2 + words.size / 40) / 2 + random() * 1.5);
    let word = '';
    for (let n = 0; n < syllables; n += 1) {
      word += pick('bcdfghjklmnprstvwz') + pick('aeiou') + (random() < 0.3 ? pick('lmnrst') : '');
    }
    words.add(word);
  }
  return [...words];
}
