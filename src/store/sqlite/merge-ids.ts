/** Merges several series of rising ids into one. */

/** Returns the next ids of a series after `after`, rising, at most `limit`. */
export type Series = (after: number, limit: number) => readonly number[];

interface Head {
  readonly series: Series;
  ids: readonly number[];
  next: number;
}

const READ_AHEAD = 32;

/** Returns the first `limit` ids after `after` of all series together, rising. No two series may have an id in common. */
export function mergeSeries(all: readonly Series[], after: number, limit: number): number[] {
  const heads = all.map((series): Head => ({ series, ids: series(after, READ_AHEAD), next: 0 }));
  const merged: number[] = [];
  while (merged.length < limit) {
    let first: Head | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (const head of heads) {
      const id = head.ids[head.next];
      if (id === undefined || id >= least) continue;
      least = id;
      first = head;
    }
    if (first === undefined) break;
    merged.push(least);
    first.next += 1;
    if (first.next < first.ids.length || first.ids.length < READ_AHEAD) continue;
    first.ids = first.series(least, READ_AHEAD);
    first.next = 0;
  }
  return merged;
}
