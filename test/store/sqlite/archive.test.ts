import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Account } from '../../../src/chat/directory.ts';
import type { Draft, Entry } from '../../../src/chat/entry.ts';
import type { Projection } from '../../../src/chat/projection.ts';
import { type Clock, SYSTEM_CLOCK } from '../../../src/common/clock.ts';
import type { Interval } from '../../../src/store/archive-store.ts';
import { Archive } from '../../../src/store/sqlite/archive.ts';
import { openProjection } from '../../../src/store/sqlite/projection.ts';
import { append, join, leave, say, tell } from '../../support/append.ts';
import { TestClock } from '../../support/clock.ts';
import { testFolder } from '../../support/folder.ts';

const folder = testFolder();
let files = 0;

interface World {
  readonly log: Projection;
  readonly archive: Archive;
  readonly people: readonly Account[];
  readonly clock: Clock;
}

function world(names: readonly string[], clock: Clock = SYSTEM_CLOCK): World {
  files += 1;
  const file = `${folder}/${files}.db`;
  const log = openProjection(file);
  const { accounts } = append(log, { accounts: names.map((name) => ({ name, guest: false })) });
  return { log, archive: new Archive(file), people: accounts, clock };
}

function commit({ log, clock }: World, ...drafts: Draft[]): readonly Entry[] {
  return append(log, { drafts }, clock.wall()).entries;
}

type Step = readonly [kind: 'say' | 'move' | 'tell', who: number, where: number];
const step: fc.Arbitrary<Step> = fc.tuple(fc.constantFrom('say', 'move', 'tell'), fc.nat(2), fc.nat(2));

/** Lets people do what they may; returns what each was shown at the time. */
function play(at: World, steps: readonly Step[]): number[][] {
  const rooms = [0, 1, 2].map(() => ({ id: 0, members: new Set<number>() }));
  const shown: number[][] = at.people.map(() => []);
  const show = (id: number, to: Iterable<number>): void => {
    for (const index of new Set(to)) shown[index]?.push(id);
  };
  for (const [kind, who, where] of steps) {
    const account = at.people[who];
    const room = rooms[where];
    const peer = at.people[where];
    if (account === undefined || room === undefined || peer === undefined) continue;
    if (kind === 'tell') {
      const [entry] = commit(at, tell(account, peer));
      show(entry?.id ?? 0, [who, where]);
    } else if (kind === 'move') {
      const isIn = room.members.has(who);
      const [entry] = commit(at, (isIn ? leave : join)(account, { id: room.id, name: `#r${where}` }));
      if (entry?.kind !== 'joined' && entry?.kind !== 'left') throw new Error('no change');
      room.id = entry.room;
      room.members.add(who);
      show(entry.id, room.members);
      if (isIn) room.members.delete(who);
    } else if (room.members.has(who)) {
      const [entry] = commit(at, say(account, { id: room.id, name: `#r${where}` }));
      show(entry?.id ?? 0, room.members);
    }
  }
  return shown;
}

function replayAll(archive: Archive, account: number, after: number, limit: number): number[] {
  const ids: number[] = [];
  for (let cursor = after; ; ) {
    const page = archive.replay(account, cursor, limit, 1_000_000);
    ids.push(...page.entries.map(({ id }) => id));
    cursor = page.through;
    if (page.isLast) return ids;
  }
}

describe('the archive', () => {
  it('replays to each account exactly what it was shown, from any id on, in pages of any size', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 60 }),
        fc.nat(60),
        fc.integer({ min: 1, max: 40 }),
        (steps, skipped, limit) => {
          const at = world(['ann', 'bob', 'cat']);
          const shown = play(at, steps);
          at.people.forEach(({ id }, index) => {
            const ids = shown[index] ?? [];
            const after = ids[skipped] ?? 0;
            expect(replayAll(at.archive, id, after, limit)).toEqual(ids.filter((one) => one > after));
          });
          at.archive.close();
          at.log.close();
        },
      ),
      { numRuns: 60 },
    );
  });

  it('ends a page where it is long enough, and goes on from there', () => {
    const at = world(['ann', 'bob']);
    const [ann, bob] = at.people;
    if (ann === undefined || bob === undefined) throw new Error('nobody');
    const note = tell(ann, bob, 'x'.repeat(1_000));
    const all = commit(at, ...new Array<Draft>(20).fill(note)).map(({ id }) => id);
    const first = at.archive.replay(bob.id, 0, 100, 5_000);
    expect(first.entries).toHaveLength(5);
    expect(first).toMatchObject({ through: all[4], isLast: false });
    expect(at.archive.replay(bob.id, first.through, 100, 100_000)).toMatchObject({
      through: all[19],
      isLast: true,
    });
    at.log.close();
  });

  it('reads on while the log is pruned, and keeps the newest entry', () => {
    const clock = new TestClock();
    const at = world(['ann', 'bob'], clock);
    const [ann, bob] = at.people;
    if (ann === undefined || bob === undefined) throw new Error('nobody');
    const notes = new Array<Draft>(10).fill(tell(ann, bob));
    const old = commit(at, ...notes);
    clock.pass(1_000);
    const all = [...old, ...commit(at, ...notes)].map(({ id }) => id);
    clock.pass(1_000);
    const now = clock.wall();
    const prune = (entriesBefore: number, limit: number) =>
      at.log.prune({ now, keysBefore: 0, entriesBefore, limit });
    expect(prune(now - 1_000, 4)).toEqual({ type: 'pruned', isMore: true });
    expect(at.archive.firstId).toBe(all[4]);
    expect(prune(now - 1_000, 100)).toEqual({ type: 'pruned', isMore: false });
    expect(at.archive.firstId).toBe(all[10]);
    expect(replayAll(at.archive, bob.id, 0, 3)).toEqual(all.slice(10));
    prune(now, 100);
    expect(replayAll(at.archive, bob.id, 0, 3)).toEqual(all.slice(19));
    expect(at.log.lastId).toBe(all[19]);
    at.log.close();
  });

  it('finds what has been put in its place, and what has not yet, while that changes', () => {
    const at = world(['ann', 'bob', 'cat']);
    const [ann, bob, cat] = at.people;
    if (ann === undefined || bob === undefined || cat === undefined) throw new Error('nobody');
    const toBob: number[] = [];
    // Entries are put in their places some thousands at a time.
    for (let batch = 0; batch < 24; batch += 1) {
      const said = commit(at, ...Array.from({ length: 700 }, (_, n) => tell(ann, n % 7 === 0 ? bob : cat)));
      toBob.push(...said.flatMap((entry) => ('peer' in entry && entry.peer === bob.id ? [entry.id] : [])));
      const newest = at.archive.history(intervalsOf(at, bob, 'ann'), Number.MAX_SAFE_INTEGER, 150, 1_000_000);
      expect(newest.messages.map(({ id }) => id)).toEqual(toBob.slice(-150).reverse());
    }
    expect(replayAll(at.archive, bob.id, 0, 1_000)).toEqual(toBob);
    at.log.close();
  });
});

function intervalsOf({ archive }: World, account: Account, name: string): readonly Interval[] {
  const found = archive.find(account.id, name);
  if (found.type !== 'found') throw new Error(found.code);
  return found.intervals;
}
