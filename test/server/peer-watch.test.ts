import { describe, expect, it } from 'vitest';
import { PeerJudge } from '../../src/server/peer-watch.ts';
import type { UnansweredSocket } from '../../src/transport/socket-table.ts';

/** What one socket shows in each look: a count, or 0 where nothing is unanswered. Returns in which look it counts as lost. */
function lostIn(waitsFor: UnansweredSocket['waitsFor'], ...counts: number[]): number | undefined {
  const judge = new PeerJudge();
  const looks = counts.map((count) => judge.judge(count === 0 ? [] : [{ name: 'a b', waitsFor, count }]));
  const look = looks.findIndex((lost) => lost.length > 0);
  return look < 0 ? undefined : look;
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
  ] as const)('%s', (_, waitsFor, counts, look) => {
    expect(lostIn(waitsFor, ...counts)).toBe(look);
  });
});

describe('a peer does not count as lost', () => {
  it.each([
    ['when it acknowledges between two looks', 'acknowledgement', [4, 5, 6, 1, 2, 3, 4, 1, 5, 6]],
    ['when it loses packets all the time', 'acknowledgement', [1, 1, 1, 1, 1, 1, 2, 2, 1, 1, 1]],
    ['when nothing is unanswered in one of the looks', 'acknowledgement', [5, 6, 7, 0, 5, 6, 7, 8, 0]],
    ['when it answers probes', 'window', [1, 1, 0, 1, 1, 0, 0]],
  ] as const)('%s', (_, waitsFor, counts) => {
    expect(lostIn(waitsFor, ...counts)).toBeUndefined();
  });

  it('for what another one does, or for what it did before its window closed', () => {
    const judge = new PeerJudge();
    for (let look = 0; look < 4; look += 1) {
      expect(judge.judge([{ name: 'a b', waitsFor: 'acknowledgement', count: 4 + look }])).toEqual([]);
    }
    expect(judge.judge([{ name: 'a c', waitsFor: 'acknowledgement', count: 8 }])).toEqual([]);
    expect(judge.judge([{ name: 'a b', waitsFor: 'window', count: 9 }])).toEqual([]);
  });
});

it('tells of those that are lost until they are closed', () => {
  const judge = new PeerJudge();
  const look = () => judge.judge(['a b', 'c d'].map((name) => ({ name, waitsFor: 'window', count: 2 })));
  expect([look(), look(), look(), look()]).toEqual([[], [], ['a b', 'c d'], ['a b', 'c d']]);
});
