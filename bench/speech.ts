/** Invented speech: words that are as unequally frequent as real ones (Zipf), the frequent ones short. */

import type { Random } from '../src/load/scenario/random.ts';

const VOCABULARY = 50_000;

export class Speech {
  /** The most frequent first. */
  readonly words: readonly string[];
  readonly #random: Random;
  readonly #draw: () => number;

  constructor(random: Random) {
    this.#random = random;
    this.words = makeWords(random);
    this.#draw = zipf(random, VOCABULARY, 1);
  }

  /** The words of one message: 10 on average, 2 at least. */
  say(): string[] {
    const length = 2 + Math.floor(-Math.log(1 - this.#random()) * 9);
    return Array.from({ length }, () => this.words[this.#draw()] ?? '');
  }
}

/** Draws numbers from 0 on; the n-th as often as 1 / n^exponent says. */
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

/** Short ones first, as in languages. */
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
