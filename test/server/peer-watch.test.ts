import { describe, expect, it } from 'vitest';
import { LostPeers } from '../../src/server/peer-watch.ts';
import type { UnansweredSocket } from '../../src/transport/socket-table.ts';

/** What one socket shows in each check: a count, or 0 where nothing is unanswered. Returns in which check it counts as lost. */
function lostIn(waitsFor: UnansweredSocket['waitsFor'], ...counts: number[]): number | undefined {
  const judge = new LostPeers();
  const checks = counts.map((count) => judge.update(count === 0 ? [] : [{ name: 'a b', waitsFor, count }]));
  const check = checks.findIndex((lost) => lost.length > 0);
  return check < 0 ? undefined : check;
}

describe('a peer counts as lost', () => {
  it.each([
    ['with data unacknowledged for a minute', 'acknowledgement', [6, 7, 7, 8, 8], 4],
    [
      'when its router says that it is gone, and data is sent again often',
      'acknowledgement',
      [3, 9, 14, 19, 24],
      4,
    ],
    ['later where the first wait was longer', 'acknowledgement', [2, 2, 3, 3, 3, 4], 5],
    ['with probes of its window unanswered for half a minute', 'window', [3, 4, 4], 2],
    ['with one such probe, where the next would come too late', 'window', [0, 1, 1, 1], 3],
  ] as const)('%s', (_, waitsFor, counts, check) => {
    expect(lostIn(waitsFor, ...counts)).toBe(check);
  });
});

describe('a peer does not count as lost', () => {
  it.each([
    ['when it acknowledges between two checks', 'acknowledgement', [4, 5, 6, 1, 2, 3, 4, 1, 5, 6]],
    ['when it loses packets all the time', 'acknowledgement', [1, 1, 1, 1, 1, 1, 2, 2, 1, 1, 1]],
    ['when nothing is unanswered in one of the checks', 'acknowledgement', [5, 6, 7, 0, 5, 6, 7, 8, 0]],
    ['when it answers probes', 'window', [1, 1, 0, 1, 1, 0, 0]],
  ] as const)('%s', (_, waitsFor, counts) => {
    expect(lostIn(waitsFor, ...counts)).toBeUndefined();
  });

  it('because of another peer, or of what it did before its window closed', () => {
    const judge = new LostPeers();
    for (let check = 0; check < 4; check += 1) {
      expect(judge.update([{ name: 'a b', waitsFor: 'acknowledgement', count: 4 + check }])).toEqual([]);
    }
    expect(judge.update([{ name: 'a c', waitsFor: 'acknowledgement', count: 8 }])).toEqual([]);
    expect(judge.update([{ name: 'a b', waitsFor: 'window', count: 9 }])).toEqual([]);
  });
});

it('reports lost peers until they are closed', () => {
  const judge = new LostPeers();
  const check = () => judge.update(['a b', 'c d'].map((name) => ({ name, waitsFor: 'window', count: 2 })));
  expect([check(), check(), check(), check()]).toEqual([[], [], ['a b', 'c d'], ['a b', 'c d']]);
});
