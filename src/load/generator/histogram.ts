/**
 * How often each value came, with a precision of 3 figures: below 2,048 each value by itself, above that 1,024 classes for each power of two, as in
 * HdrHistogram. Recording is a few operations on one array, where a histogram of `node:perf_hooks` takes a lock and a call out of
 * JavaScript each time: a tenth of all that a delivery cost here (measured).
 *
 * The array is in shared memory: one thread records, and another reads it after that one has been told to record elsewhere.
 */

/** Largest value: 2³¹ − 1. */
const MOST = 2 ** 31 - 1;
/** Classes of each power of two, as a power of two. */
const PRECISION = 10;
const CLASSES = (31 - PRECISION + 1) << PRECISION;
/** What stands before the classes. */
const COUNT = 0;
const SUM = 1;
const MIN = 2;
const MAX = 3;
const HEAD = 4;

export type Cells = Float64Array<SharedArrayBuffer>;

export class Histogram {
  readonly cells: Cells;

  /** Of what another thread has recorded, or empty. */
  constructor(
    cells: Cells = new Float64Array(new SharedArrayBuffer((HEAD + CLASSES) * Float64Array.BYTES_PER_ELEMENT)),
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

  /** 0 if there is nothing. */
  get mean(): number {
    return this.count === 0 ? 0 : this.#at(SUM) / this.count;
  }

  /** A whole number from 0 on; larger ones than 2³¹ − 1 count as that. */
  record(value: number): void {
    const { cells } = this;
    const whole = value > MOST ? MOST : value | 0;
    const class_ = HEAD + classOf(whole);
    cells[class_] = (cells[class_] ?? 0) + 1;
    const count = cells[COUNT] ?? 0;
    cells[COUNT] = count + 1;
    cells[SUM] = (cells[SUM] ?? 0) + whole;
    if (count === 0 || whole < (cells[MIN] ?? 0)) cells[MIN] = whole;
    if (whole > (cells[MAX] ?? 0)) cells[MAX] = whole;
  }

  /** The value that so many percent of all values do not exceed: the largest of its class, and no more than the greatest of all. 0 if empty. */
  percentile(percent: number): number {
    const rank = Math.max(1, Math.ceil((percent / 100) * this.count - 1e-9));
    let passed = 0;
    for (let class_ = 0; class_ < CLASSES; class_ += 1) {
      passed += this.#at(HEAD + class_);
      if (passed >= rank) return Math.min(this.max, largestOf(class_));
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

function classOf(value: number): number {
  const shift = Math.max(0, 31 - PRECISION - Math.clz32(value));
  return (shift << PRECISION) + (value >> shift);
}

function largestOf(class_: number): number {
  const shift = Math.max(0, (class_ >> PRECISION) - 1);
  return (class_ - (shift << PRECISION) + 1) * 2 ** shift - 1;
}
