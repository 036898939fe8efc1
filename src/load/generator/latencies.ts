/**
 * The latencies that one thread measures, in microseconds. Each kind has two histograms that take turns: while this thread
 * records into one, the main thread reads and empties the other.
 */

import { LATENCIES, type LatencyKind } from '../result/result.ts';
import { type Cells, Histogram } from './histogram.ts';

/** Longer latencies count as this: 20 minutes. */
const LONGEST_US = 1_200_000_000;

export type Histograms = Readonly<Record<LatencyKind, Histogram>>;
export type Side = 0 | 1;
/** The memory of one side, to share with another thread. */
export type SharedSide = Readonly<Record<LatencyKind, Cells>>;

export class Latencies {
  readonly #sides: readonly [Histograms, Histograms] = [makeHistograms(), makeHistograms()];
  #side: Side = 0;
  #current = this.#sides[0];

  record(kind: LatencyKind, microseconds: number): void {
    // At least 1, because truncated clock values can make a latency 0 or negative.
    const value = microseconds < 1 ? 1 : microseconds > LONGEST_US ? LONGEST_US : microseconds + 0.5;
    this.#current[kind].record(value);
  }

  /** Switches recording to the other side, which must be empty. Returns the side that was recorded into until now. */
  swap(): Side {
    const side = this.#side;
    this.#side = side === 0 ? 1 : 0;
    this.#current = this.#sides[this.#side];
    return side;
  }

  share(): readonly [SharedSide, SharedSide] {
    const [first, second] = this.#sides;
    return [cellsOf(first), cellsOf(second)];
  }
}

export function makeHistograms(from?: SharedSide): Histograms {
  const make = (kind: LatencyKind): Histogram => new Histogram(from?.[kind]);
  return {
    connect: make('connect'),
    login: make('login'),
    resume: make('resume'),
    acknowledge: make('acknowledge'),
    deliver: make('deliver'),
  };
}

/** Adds the contents of `from` to each of `into`, and empties `from`. */
export function moveLatencies(from: Histograms, ...into: readonly Histograms[]): void {
  for (const kind of LATENCIES) {
    if (from[kind].count === 0) continue;
    for (const to of into) to[kind].add(from[kind]);
    from[kind].reset();
  }
}

function cellsOf(of: Histograms): SharedSide {
  return {
    connect: of.connect.cells,
    login: of.login.cells,
    resume: of.resume.cells,
    acknowledge: of.acknowledge.cells,
    deliver: of.deliver.cells,
  };
}
