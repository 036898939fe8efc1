import { describe, expect, it } from 'vitest';
import type { Entry } from '../../src/chat/entry.ts';
import { RecentEntries } from '../../src/chat/recent-entries.ts';

const entry = (id: number, text = 'x'): Entry => ({
  kind: 'direct',
  id,
  at: 1,
  account: 1,
  user: 'ann',
  peer: 2,
  peerName: 'bob',
  text,
  key: null,
  origin: null,
});
const ids = (entries: readonly Entry[] | undefined) => entries?.map(({ id }) => id);

describe('the recent entries', () => {
  it('are returned after any id, which need not be one of theirs', () => {
    const recent = new RecentEntries(5, [entry(10), entry(20)]);
    recent.add(entry(30));
    expect(ids(recent.after(10))).toEqual([20, 30]);
    expect(ids(recent.after(15))).toEqual([20, 30]);
    expect(ids(recent.after(5))).toEqual([10, 20, 30]);
    expect(ids(recent.after(30))).toEqual([]);
    expect(ids(recent.after(99))).toEqual([]);
  });

  it('are undefined if some after the id are missing', () => {
    expect(new RecentEntries(5, [entry(10)]).after(4)).toBeUndefined();
  });

  it('exclude the oldest when there are too many', () => {
    const recent = new RecentEntries(0, []);
    for (let id = 1; id <= 4_097; id += 1) recent.add(entry(id));
    expect(recent.after(2_047)).toBeUndefined();
    expect(recent.after(2_048)).toHaveLength(4_097 - 2_048);
  });

  it('exclude the oldest when their texts are too long', () => {
    const recent = new RecentEntries(0, []);
    for (let id = 1; id <= 2_049; id += 1) recent.add(entry(id, 'x'.repeat(8_192)));
    expect(recent.after(1_023)).toBeUndefined();
    expect(recent.after(1_024)).toHaveLength(1_025);
  });
});
