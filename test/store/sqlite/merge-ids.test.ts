import fc from 'fast-check';
import { expect, it } from 'vitest';
import { mergeSeries, type Series } from '../../../src/store/sqlite/merge-ids.ts';

it('gives the first ids of all series together, rising', () => {
  const all = fc.uniqueArray(fc.tuple(fc.integer({ min: 1, max: 2_000 }), fc.nat(4)), {
    selector: ([id]) => id,
    maxLength: 300,
  });
  fc.assert(
    fc.property(all, fc.nat(2_000), fc.integer({ min: 1, max: 200 }), (tagged, after, limit) => {
      const series = [0, 1, 2, 3, 4].map((tag): Series => {
        const ids = tagged.flatMap(([id, t]) => (t === tag ? [id] : [])).toSorted((a, b) => a - b);
        return (behind, count) => ids.filter((id) => id > behind).slice(0, count);
      });
      const expected = tagged.map(([id]) => id).filter((id) => id > after);
      expect(mergeSeries(series, after, limit)).toEqual(expected.toSorted((a, b) => a - b).slice(0, limit));
    }),
  );
});
