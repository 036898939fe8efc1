import { describe, expect, it } from 'vitest';
import { type Account, Directory, pageAfter } from '../../src/chat/directory.ts';
import { PRESENCE_GRACE_MS, Presence } from '../../src/chat/presence.ts';
import { Sessions } from '../../src/chat/sessions.ts';

const account = (id: number, name: string): Account => ({
  id,
  name,
  guest: false,
  rooms: undefined,
  seen: undefined,
});

describe('pages of a list', () => {
  const names = ['ann', 'Ben', 'cat', 'Dan', 'eve'].map((name) => ({ name }));
  it('follow each other without a gap or a repeat', () => {
    const seen: string[] = [];
    for (let after: string | null = null; ; ) {
      const page: ReturnType<typeof pageAfter<{ name: string }>> = pageAfter(names, after, 2);
      seen.push(...page.items.map((item) => item.name));
      if (page.next === null) break;
      after = page.next;
    }
    expect(seen).toEqual(['ann', 'Ben', 'cat', 'Dan', 'eve']);
  });
  it('continue after a name that no longer exists, in any case', () => {
    expect(pageAfter(names, 'BOB', 9).items.map((item) => item.name)).toEqual(['cat', 'Dan', 'eve']);
    expect(pageAfter(names, 'zoe', 9)).toEqual({ items: [], next: null });
  });
});

describe('sessions', () => {
  it('count the sessions of a room and of an account on each shard', () => {
    const directory = new Directory();
    const [ann, ben] = [account(1, 'ann'), account(2, 'ben')];
    const room = directory.addRoom(7, '#r');
    directory.addMember(room, ann, 1);
    const sessions = new Sessions(directory);
    sessions.attach(2, 11, ann, 0);
    sessions.attach(2, 12, ann, 0);
    sessions.attach(0, 11, ben, 0);
    expect(sessions.shardsOfRoom(7)).toEqual([0, 0, 2]);
    directory.addMember(room, ben, 2);
    sessions.joined(ben.id, room.id);
    expect(sessions.shardsOfRoom(7)).toEqual([1, 0, 2]);
    expect(sessions.detach(2, 11)).toBe(ann);
    expect(sessions.isOnline(ann)).toBe(true);
    expect([...sessions.detachShard(2)]).toEqual([ann]);
    expect(sessions.isOnline(ann)).toBe(false);
    expect(sessions.detach(2, 12)).toBeUndefined();
    directory.removeMember(room, ben);
    sessions.left(ben.id, room.id);
    expect(sessions.shardsOfRoom(7)).toEqual([]);
    expect(sessions.shardsOfAccount(2)).toEqual([1]);
  });

  it('know since when an account has been online', () => {
    const sessions = new Sessions(new Directory());
    const ann = account(1, 'ann');
    expect(sessions.onlineSince(ann)).toBeUndefined();
    sessions.attach(0, 11, ann, 1_000);
    sessions.attach(1, 11, ann, 2_000);
    sessions.detach(0, 11);
    expect(sessions.onlineSince(ann)).toBe(1_000);
    sessions.detach(1, 11);
    expect(sessions.onlineSince(ann)).toBeUndefined();
    sessions.attach(1, 12, ann, 3_000);
    expect(sessions.onlineSince(ann)).toBe(3_000);
  });
});

describe('presence', () => {
  const ann = account(1, 'ann');
  const announced = (presence: Presence, now: number): string[] =>
    presence.changes(now).map(({ account: { name }, online }) => `${name} ${online}`);

  it('announces an arrival at once, and a departure only after the grace period', () => {
    const presence = new Presence();
    presence.cameOnline(ann);
    expect(announced(presence, 0)).toEqual(['ann true']);
    presence.wentOffline(ann, 1_000);
    expect(announced(presence, 1_000 + PRESENCE_GRACE_MS - 1)).toEqual([]);
    expect(announced(presence, 1_000 + PRESENCE_GRACE_MS)).toEqual(['ann false']);
    expect(announced(presence, 99_000)).toEqual([]);
  });

  it('announces nothing about an account that comes back within the grace period', () => {
    const presence = new Presence();
    presence.assumeOnline(ann);
    presence.wentOffline(ann, 0);
    presence.cameOnline(ann);
    expect(announced(presence, 60_000)).toEqual([]);
  });

  it('announces both arrival and departure within one second, because somebody may have seen a join', () => {
    const presence = new Presence();
    presence.cameOnline(ann);
    presence.wentOffline(ann, 500);
    expect(announced(presence, 1_000)).toEqual(['ann true']);
    expect(announced(presence, 500 + PRESENCE_GRACE_MS)).toEqual(['ann false']);
  });
});
