/** Which shards get an entry, and how a shard that has fallen behind catches up. */

import { expect, it, onTestFinished } from 'vitest';
import type { ToShard } from '../../../src/actors/link/messages.ts';
import { Router, ShardLink } from '../../../src/actors/registry/router.ts';
import type { Account, Directory } from '../../../src/chat/directory.ts';
import type { Draft, Entry } from '../../../src/chat/entry.ts';
import type { Origin } from '../../../src/chat/intent.ts';
import type { Projection } from '../../../src/chat/projection.ts';
import { Sessions } from '../../../src/chat/sessions.ts';
import { openProjection } from '../../../src/store/sqlite/projection.ts';
import { append, say, tell } from '../../support/append.ts';
import { testFolder } from '../../support/folder.ts';

const folder = testFolder();
/** The router's limit of entries that a shard has not handled yet. */
const CREDIT = 4_096;
let files = 0;

/** A shard, with the items sent to it since the last `take`. */
class Shard {
  readonly link: ShardLink;
  #sent: ToShard[] = [];

  constructor(index: number) {
    this.link = new ShardLink(index, { push: (item) => void this.#sent.push(item) });
  }

  take(): ToShard[] {
    return this.#sent.splice(0);
  }

  /** The same items, with entries as their texts. */
  read(): unknown[] {
    return this.take().map((item) => (item[0] === 'entry' ? textOf(item[2]) : item));
  }
}

function textOf(entry: Entry): string {
  return 'text' in entry ? entry.text : entry.kind;
}

class World {
  readonly projection: Projection;
  readonly directory: Directory;
  readonly sessions: Sessions;
  readonly router: Router;
  readonly accounts: readonly Account[];
  readonly shards = [new Shard(0), new Shard(1)] as const;

  constructor(shards = [0, 1]) {
    files += 1;
    this.projection = openProjection(`${folder}/${files}.db`);
    onTestFinished(() => this.projection.close());
    const names = ['ann', 'ben', 'cat'].map((name) => ({ name, guest: false }));
    append(this.projection, { accounts: names });
    this.directory = this.projection.load();
    this.accounts = [...this.directory.accounts()];
    this.sessions = new Sessions(this.directory);
    this.router = new Router(this.projection, this.sessions, () => 'the members');
    for (const index of shards) this.announce(index, -1);
  }

  announce(index: number, cursor: number): void {
    const shard = this.shards[index] ?? expect.fail('no such shard');
    this.router.links.set(index, shard.link);
    this.router.announce(shard.link, ['announce', 100 + index, cursor, []]);
  }

  account(index: number): Account {
    return this.accounts[index] ?? expect.fail('nobody');
  }

  /** Stores and routes a message from one account to another. */
  tell(from: number, to: number, text: string, origin: Origin | null = null): Entry {
    return this.tellAll(from, to, [text], origin)[0] ?? expect.fail('no entry');
  }

  /** Stores them in one transaction. */
  tellAll(
    from: number,
    to: number,
    texts: readonly string[],
    origin: Origin | null = null,
  ): readonly Entry[] {
    const [author, peer] = [this.account(from), this.account(to)];
    const drafts = texts.map((text): Draft => ({ ...tell(author, peer, text), origin }));
    const { entries } = append(this.projection, { drafts });
    for (const entry of entries) this.router.route(entry);
    return entries;
  }

  join(who: number, room: string, origin: Origin | null = null): Entry {
    const { id: account, name: user } = this.account(who);
    const entry = this.#store({ kind: 'joined', account, user, room: 0, roomName: room, origin }, false);
    if (entry.kind !== 'joined') return expect.fail('a join');
    const { directory } = this;
    const joined = directory.room(room) ?? directory.addRoom(entry.room, room);
    directory.addMember(joined, this.account(who), entry.id);
    this.sessions.joined(account, entry.room);
    this.router.route(entry);
    return entry;
  }

  say(who: number, room: number, text: string): Entry {
    return this.#store(say(this.account(who), { id: room, name: '#tea' }, text));
  }

  #store(draft: Draft, isRouted = true): Entry {
    const entry = append(this.projection, { drafts: [draft] }).entries[0] ?? expect.fail('no entry');
    if (isRouted) this.router.route(entry);
    return entry;
  }
}

it('sends a direct message to the shards on which either account is, and to no other', () => {
  const world = new World();
  const [left, right] = world.shards;
  world.sessions.attach(0, 1, world.account(0), 0);
  world.sessions.attach(1, 1, world.account(1), 0);
  for (const shard of world.shards) shard.take();
  world.tell(0, 0, 'to myself');
  world.tell(0, 1, 'to ben');
  world.tell(2, 1, 'from cat, who is not here');
  world.tell(2, 2, 'nobody is here');
  expect(left.read()).toEqual(['to myself', 'to ben']);
  expect(right.read()).toEqual(['to ben', 'from cat, who is not here']);
});

it("sends an entry of a room to the shards with a member, and a join also to its author's shards", () => {
  const world = new World();
  const [left, right] = world.shards;
  world.sessions.attach(0, 1, world.account(0), 0);
  world.sessions.attach(1, 1, world.account(1), 0);
  for (const shard of world.shards) shard.take();
  const joined = world.join(0, '#tea');
  if (joined.kind !== 'joined') expect.fail('a join');
  world.say(0, joined.room, 'alone');
  world.join(1, '#tea');
  world.say(0, joined.room, 'together');
  expect(left.read()).toEqual(['joined', 'alone', 'joined', 'together']);
  expect(right.read()).toEqual(['joined', 'together']);
});

it('answers the run of the shard that sent the command, even if nobody there gets the entry', () => {
  const world = new World();
  const [left, right] = world.shards;
  for (const shard of world.shards) shard.take();
  const sent = world.tell(0, 1, 'for an answer', { shard: 101, number: 7 });
  const joined = world.join(0, '#tea', { shard: 100, number: 8 });
  world.tell(0, 1, 'asked by an earlier run', { shard: 99, number: 9 });
  expect(right.take()).toEqual([['entry', 7, sent]]);
  expect(left.take()).toEqual([
    ['entry', 8, joined],
    ['ok', 8, 'the members'],
  ]);
});

it('sends a shard that announces itself everything after its cursor, and then caught_up', () => {
  const world = new World([0]);
  const texts = Array.from({ length: 1_500 }, (_, i) => `message ${i}`);
  const entries = world.tellAll(0, 1, texts);
  world.announce(1, entries[99]?.id ?? 0);
  expect(world.shards[1].read()).toEqual([...texts.slice(100), ['caught_up']]);
});

it('stops sending to a shard that handles nothing, and continues without a gap when it does', () => {
  const world = new World();
  const [slow] = world.shards;
  world.sessions.attach(0, 1, world.account(0), 0);
  for (const shard of world.shards) shard.take();
  const count = 3 * CREDIT;
  const texts = Array.from({ length: count }, (_, i) => `message ${i}`);
  world.tellAll(0, 0, texts);
  const got = slow.read();
  expect(got).toEqual(texts.slice(0, CREDIT));
  // The shard catches up only once it has handled half, and never gets more than its credit.
  world.router.credit(slow.link, CREDIT / 2 - 1);
  expect(slow.read()).toEqual([]);
  let handled = CREDIT / 2;
  while (got.length < count) {
    world.router.credit(slow.link, handled);
    got.push(...slow.read());
    expect(got.length - handled).toBeLessThanOrEqual(CREDIT + 512);
    handled = got.length;
  }
  world.router.credit(slow.link, handled);
  expect(got).toEqual(texts);
  world.tell(0, 0, 'live again');
  expect(slow.read()).toEqual(['live again']);
});

it('sends the cursor once to a shard that had no recipient for the latest entries', () => {
  const world = new World();
  for (const shard of world.shards) shard.take();
  const { id } = world.tell(0, 1, 'nobody is here');
  world.router.sendCursors();
  world.router.sendCursors();
  expect(world.shards.map((shard) => shard.take())).toEqual([[['cursor', id]], [['cursor', id]]]);
});

it('ends the sessions of an account on every shard that has any', () => {
  const world = new World();
  world.sessions.attach(1, 1, world.account(0), 0);
  for (const shard of world.shards) shard.take();
  world.router.endSessions(world.account(0).id, 'failed');
  expect(world.shards.map((shard) => shard.take())).toEqual([
    [],
    [['expelled', world.account(0).id, 'failed']],
  ]);
});
