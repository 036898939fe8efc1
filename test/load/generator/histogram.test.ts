import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Histogram } from '../../../src/load/generator/histogram.ts';

const value = fc.oneof(
  fc.integer({ min: 1, max: 3_000 }),
  fc.integer({ min: 1, max: 1_200_000_000 }),
  fc.integer({ min: 0, max: 30 }).map((power) => 2 ** power),
);
const PERCENTS = [0.1, 10, 25, 50, 75, 90, 99, 99.9, 99.99, 100];

function histogramOf(values: readonly number[]): Histogram {
  const histogram = new Histogram();
  for (const one of values) histogram.record(one);
  return histogram;
}

function isSame(a: Histogram, b: Histogram): boolean {
  return a.cells.every((cell, at) => cell === b.cells[at]);
}

describe('a histogram', () => {
  it('has percentiles that are off by at most 0.1 %', () => {
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 200 }), (values) => {
        const histogram = histogramOf(values);
        const sorted = values.toSorted((a, b) => a - b);
        for (const percent of PERCENTS) {
          const exact = sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length - 1e-9) - 1)] ?? 0;
          const reported = histogram.percentile(percent);
          expect(reported).toBeGreaterThanOrEqual(exact);
          expect(reported).toBeLessThanOrEqual(exact * 1.001);
        }
        expect(histogram).toMatchObject({
          count: values.length,
          min: sorted[0],
          max: sorted.at(-1),
          mean: expect.closeTo(values.reduce((sum, one) => sum + one, 0) / values.length, 3),
        });
      }),
      { numRuns: 100 },
    );
  });

  it('can be merged and reset', () => {
    const values = fc.array(value, { maxLength: 50 });
    fc.assert(
      fc.property(values, values, (some, others) => {
        const merged = histogramOf(some);
        const part = histogramOf(others);
        merged.add(part);
        expect(isSame(merged, histogramOf([...some, ...others]))).toBe(true);
        part.reset();
        expect(isSame(part, new Histogram())).toBe(true);
        expect([part.count, part.mean, part.max, part.percentile(50)]).toEqual([0, 0, 0, 0]);
      }),
      { numRuns: 50 },
    );
  });

  it('counts values that are too large as the maximum', () => {
    const histogram = histogramOf([2 ** 31 - 1, 2 ** 40, Number.MAX_VALUE, Number.POSITIVE_INFINITY]);
    expect([histogram.min, histogram.percentile(50), histogram.count]).toEqual([2 ** 31 - 1, 2 ** 31 - 1, 4]);
  });

  it('is recorded in one thread and read in another', async () => {
    const histogram = new Histogram();
    const module = new URL('../../../src/load/generator/histogram.ts', import.meta.url).href;
    const worker = new Worker(
      `import(${JSON.stringify(module)}).then(({ Histogram }) => {
        const histogram = new Histogram(require('node:worker_threads').workerData);
        for (let value = 1; value <= 1_000; value += 1) histogram.record(value);
      });`,
      { eval: true, workerData: histogram.cells },
    );
    await new Promise((resolve) => worker.once('exit', resolve));
    expect([histogram.count, histogram.percentile(50), histogram.max]).toEqual([1_000, 500, 1_000]);
  });
});
