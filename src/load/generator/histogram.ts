/**
 * A histogram with a precision of 3 digits. Values below 2,048 are counted individually; above that there are 1,024 buckets for
 * each power of two, as in HdrHistogram. Recording takes a few operations on one array. A histogram of `node:perf_hooks` takes a
 * lock and a call out of JavaScript each time, which was a tenth of the total cost of a delivery (measured).
 *
 * The array is in shared memory. One thread records; another one reads only after the first has switched to another histogram.
 */

/** Largest value: 2³¹ − 1. */
const MOST = 2 ** 31 - 1;
/** Buckets per power of two, as a power of two. */
const PRECISION = 10;
const BUCKETS = (31 - PRECISION + 1) << PRECISION;
/** The cells before the buckets. */
const COUNT = 0;
const SUM = 1;
const MIN = 2;
const MAX = 3;
const HEAD = 4;

export type Cells = Float64Array<SharedArrayBuffer>;

export class Histogram {
  readonly cells: Cells;

  /** Wraps the cells of another thread's histogram, or creates an empty one. */
  constructor(
    cells: Cells = new Float64Array(new SharedArrayBuffer((HEAD + BUCKETS) * Float64Array.BYTES_PER_ELEMENT)),
  ) {
    this.cells = cells;
  }

  get count(): number {
    return this.#at(COUNT);
  }

  get min(): number {
    return this.#at(MIN);
  }

  get max(): number {
    return this.#at(MAX);
  }

  /** 0 if empty. */
  get mean(): number {
    return this.count === 0 ? 0 : this.#at(SUM) / this.count;
  }

  /** `value`: not negative. Fractions are cut off, and values above 2³¹ − 1 count as 2³¹ − 1. */
  record(value: number): void {
    const { cells } = this;
    const whole = value > MOST ? MOST : value | 0;
    const bucket = HEAD + bucketOf(whole);
    cells[bucket] = (cells[bucket] ?? 0) + 1;
    const count = cells[COUNT] ?? 0;
    cells[COUNT] = count + 1;
    cells[SUM] = (cells[SUM] ?? 0) + whole;
    if (count === 0 || whole < (cells[MIN] ?? 0)) cells[MIN] = whole;
    if (whole > (cells[MAX] ?? 0)) cells[MAX] = whole;
  }

  /**
   * The value that `percent` of all values do not exceed, rounded up to the end of its bucket but not above the maximum. 0 if
   * empty.
   */
  percentile(percent: number): number {
    const rank = Math.max(1, Math.ceil((percent / 100) * this.count - 1e-9));
    let passed = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
      passed += this.#at(HEAD + bucket);
      if (passed >= rank) return Math.min(this.max, largestIn(bucket));
    }
    return this.max;
  }

  add(other: Histogram): void {
    if (other.count === 0) return;
    const min = this.count === 0 ? other.min : Math.min(this.min, other.min);
    const max = Math.max(this.max, other.max);
    for (let at = 0; at < this.cells.length; at += 1) this.cells[at] = this.#at(at) + other.#at(at);
    this.cells[MIN] = min;
    this.cells[MAX] = max;
  }

  reset(): void {
    this.cells.fill(0);
  }

  #at(index: number): number {
    return this.cells[index] ?? 0;
  }
}

function bucketOf(value: number): number {
  const shift = Math.max(0, 31 - PRECISION - Math.clz32(value));
  return (shift << PRECISION) + (value >> shift);
}

function largestIn(bucket: number): number {
  const shift = Math.max(0, (bucket >> PRECISION) - 1);
  return (bucket - (shift << PRECISION) + 1) * 2 ** shift - 1;
}
