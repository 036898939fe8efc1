import { describe, expect, it } from 'vitest';
import type { Entry } from '../../src/chat/entry.ts';
import { Recent } from '../../src/chat/recent.ts';

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

describe('the newest entries', () => {
  it('gives those behind an id, which need not be one of them', () => {
    const recent = new Recent(5, [entry(10), entry(20)]);
    recent.add(entry(30));
    expect(ids(recent.after(10))).toEqual([20, 30]);
    expect(ids(recent.after(15))).toEqual([20, 30]);
    expect(ids(recent.after(5))).toEqual([10, 20, 30]);
    expect(ids(recent.after(30))).toEqual([]);
    expect(ids(recent.after(99))).toEqual([]);
  });

  it('says so when some are not there', () => {
    expect(new Recent(5, [entry(10)]).after(4)).toBeUndefined();
  });

  it('forgets the oldest when there are too many, and knows which', () => {
    const recent = new Recent(0, []);
    for (let id = 1; id <= 4_097; id += 1) recent.add(entry(id));
    expect(recent.after(2_047)).toBeUndefined();
    expect(recent.after(2_048)).toHaveLength(4_097 - 2_048);
  });

  it('forgets the oldest when they are too long', () => {
    const recent = new Recent(0, []);
    for (let id = 1; id <= 2_049; id += 1) recent.add(entry(id, 'x'.repeat(8_192)));
    expect(recent.after(1_023)).toBeUndefined();
    expect(recent.after(1_024)).toHaveLength(1_025);
  });
});
