/** The verbs that only read, on a directory and sessions that the test creates. */

import { expect, it } from 'vitest';
import type { Outcome } from '../../../src/actors/kernel/actor.ts';
import { Lists } from '../../../src/actors/registry/lists.ts';
import { queries } from '../../../src/actors/registry/queries.ts';
import { type Account, Directory, type Room } from '../../../src/chat/directory.ts';
import { Sessions } from '../../../src/chat/sessions.ts';

const SHARD = 0;

class World {
  readonly directory = new Directory();
  readonly sessions = new Sessions(this.directory);
  readonly handlers = queries({
    directory: this.directory,
    sessions: this.sessions,
    lists: new Lists(this.directory, this.sessions),
    registeredAt: async (user) => this.auth.get(user) ?? { type: 'gone' },
  });
  /** Auth's answers by account. For all other accounts auth is gone. */
  readonly auth = new Map<string, Outcome<number | null>>();
  #nextId = 1;

  account(name: string, guest = false): Account {
    const account = { id: this.#id(), name, guest, rooms: undefined, seen: 0 };
    this.directory.addAccount(account);
    return account;
  }

  room(name: string, ...members: readonly Account[]): Room {
    const room = this.directory.addRoom(this.#id(), name);
    for (const member of members) this.directory.addMember(room, member, this.#id());
    return room;
  }

  /** Begins a session at time `now`. */
  attach(account: Account, now = 0): void {
    this.sessions.attach(SHARD, this.#id(), account, now);
  }

  #id(): number {
    this.#nextId += 1;
    return this.#nextId;
  }
}

it('who lists the accounts online, or the members of a room', () => {
  const world = new World();
  const [ann, ben, cat] = [world.account('ann'), world.account('Ben'), world.account('cat')];
  world.room('#tea', ann, ben);
  for (const online of [cat, ben]) world.attach(online);
  const who = (...values: [string?, string?]) => world.handlers.who(['who', 1, 1, values[0], values[1]])();
  expect(who()).toEqual({
    type: 'ok',
    result: [
      [
        ['Ben', true],
        ['cat', true],
      ],
      null,
    ],
  });
  expect(who(undefined, 'ben')).toEqual({ type: 'ok', result: [[['cat', true]], null] });
  expect(who('#TEA')).toEqual({
    type: 'ok',
    result: [
      [
        ['ann', false],
        ['Ben', true],
      ],
      null,
    ],
  });
  expect(who('#cake')).toEqual({ type: 'refused', code: 'no_such_room' });
});

it('rooms lists the rooms with the number of their members', () => {
  const world = new World();
  const [ann, ben] = [world.account('ann'), world.account('ben')];
  world.room('#tea', ann, ben);
  world.room('#Cake', ben);
  const rooms = (after?: string) => world.handlers.rooms(['rooms', 1, 1, after])();
  expect(rooms()).toEqual({
    type: 'ok',
    result: [
      [
        ['#Cake', 1],
        ['#tea', 2],
      ],
      null,
    ],
  });
  expect(rooms('#cake')).toEqual({ type: 'ok', result: [[['#tea', 2]], null] });
});

it('whois describes an account, with the rooms that it shares with the asker', async () => {
  const world = new World();
  const [ann, ben, gil] = [world.account('ann'), world.account('Ben'), world.account('gil', true)];
  world.room('#tea', ann, ben);
  world.room('#Cake', ben, ann);
  world.room('#bens', ben, gil);
  world.attach(gil, 5_000);
  world.attach(ben, 7_000);
  world.attach(ben, 9_000);
  world.auth.set('Ben', { type: 'answered', value: 1_000 });
  // A guest has not registered, even if an earlier holder of the name had.
  world.auth.set('gil', { type: 'answered', value: 2_000 });
  const whois = (name: string, asker = ann) => world.handlers.whois(['whois', 1, 1, name], asker)();
  const shared = { guest: false, onlineSince: 7_000, registeredAt: 1_000, rooms: ['#Cake', '#tea'] };
  expect(await whois('bEN')).toEqual({ type: 'ok', result: { user: 'Ben', ...shared } });
  const guest = { user: 'gil', guest: true, onlineSince: 5_000, registeredAt: null, rooms: [] };
  expect(await whois('gil')).toEqual({ type: 'ok', result: guest });
  const offline = { user: 'ann', guest: false, onlineSince: null, registeredAt: null };
  expect(await whois('ann')).toEqual({ type: 'ok', result: { ...offline, rooms: ['#Cake', '#tea'] } });
  expect(await whois('nobody')).toEqual({ type: 'refused', code: 'no_such_user' });
  // The answer shows the state at the time of the query.
  const asked = whois('Ben', gil);
  world.sessions.detachShard(SHARD);
  expect(await asked).toMatchObject({ result: { onlineSince: 7_000, rooms: ['#bens'] } });
});
