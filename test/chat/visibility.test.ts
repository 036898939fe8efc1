import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Entry } from '../../src/chat/entry.ts';
import { visibleTo } from '../../src/chat/visibility.ts';

const authored = (id: number, account: number) => ({
  id,
  at: id,
  account,
  user: `u${account}`,
  origin: null,
});
const toEntry = ([kind, account, where]: readonly [number, number, number], index: number): Entry => {
  const id = index + 1;
  const room = { room: where, roomName: `#r${where}` };
  if (kind === 0)
    return { kind: 'direct', ...authored(id, account), peer: where, peerName: '', text: '', key: null };
  if (kind === 1) return { kind: 'message', ...authored(id, account), ...room, text: '', key: null };
  return { kind: kind === 2 ? 'joined' : 'left', ...authored(id, account), ...room };
};

/** What an account sees, read forwards, and its rooms at the end. */
function readForwards(account: number, entries: readonly Entry[]): { ids: number[]; rooms: Set<number> } {
  const rooms = new Set<number>();
  const ids: number[] = [];
  for (const entry of entries) {
    if (entry.kind === 'joined' && entry.account === account) rooms.add(entry.room);
    const isSeen =
      entry.kind === 'direct' ? entry.account === account || entry.peer === account : rooms.has(entry.room);
    if (isSeen) ids.push(entry.id);
    if (entry.kind === 'left' && entry.account === account) rooms.delete(entry.room);
  }
  return { ids, rooms };
}

/** A log in which only non-members join and only members leave. */
function possible(entries: readonly Entry[]): Entry[] {
  const members = new Set<string>();
  return entries.filter((entry) => {
    if (entry.kind === 'direct' || entry.kind === 'message') return true;
    const place = `${entry.room} ${entry.account}`;
    const isIn = members.has(place);
    if (entry.kind === 'joined') members.add(place);
    else members.delete(place);
    return isIn === (entry.kind === 'left');
  });
}

const number = (max: number) => fc.integer({ min: 1, max });
const logs = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 3 }), number(3), number(3)), { maxLength: 60 })
  .map((drafts) => possible(drafts.map(toEntry)));

it('sees the same in the newest entries, read backwards, as when reading from the beginning', () => {
  fc.assert(
    fc.property(logs, number(3), fc.nat(60), (entries, account, skipped) => {
      const { ids, rooms } = readForwards(account, entries);
      const newest = entries.slice(skipped);
      const expected = ids.filter((id) => newest.some((entry) => entry.id === id));
      expect(visibleTo(account, rooms, newest).map((entry) => entry.id)).toEqual(expected);
    }),
    { numRuns: 2_000 },
  );
});
