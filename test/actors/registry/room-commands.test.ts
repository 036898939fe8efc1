/** The answers to messages, joins and leaves, and how they depend on the order of commands within a turn. */

import { expect, it } from 'vitest';
import { testFolder } from '../../support/folder.ts';
import { RegistryDriver } from '../../support/registry-driver.ts';

const folder = testFolder();
let files = 0;

/** A registry with two live sessions: ann on connection 1, ben on connection 2. */
async function start(): Promise<RegistryDriver> {
  files += 1;
  const world = new RegistryDriver({ file: `${folder}/${files}.db`, names: ['ann', 'ben'] });
  await world.ask(['attach', 1, 1, 'ann', false, 0], ['attach', 2, 2, 'ben', false, 0]);
  await world.ask(['live', 3, 1, 0, 100_000], ['live', 4, 2, 0, 100_000]);
  return world;
}

it('decides each command on the state after the earlier commands of the same turn', async () => {
  const world = await start();
  await world.ask(
    ['send', 11, 1, '#tea', 'too early', null],
    ['join', 12, 1, '#tea'],
    ['send', 13, 1, '#tea', 'hello', null],
    ['send', 14, 2, '#tea', 'not in it', null],
    ['leave', 15, 1, '#tea'],
    ['send', 16, 1, '#tea', 'too late', null],
  );
  expect([11, 14, 16].map((number) => world.answers(number))).toEqual([
    [['error', 11, 'no_such_room']],
    [['error', 14, 'not_a_member']],
    [['error', 16, 'no_such_room']],
  ]);
  expect(world.entries.map(({ kind }) => kind)).toEqual(['joined', 'message', 'left']);
  expect(world.texts).toEqual(['hello']);
});

it('answers a join after its entry, with its id and the members of the room', async () => {
  const world = await start();
  await world.ask(['join', 11, 1, '#Tea'], ['join', 12, 2, '#tea'], ['leave', 13, 1, '#TEA']);
  const ids = world.entries.map(({ id }) => id);
  expect(world.answers(12).slice(1)).toEqual([['ok', 12, [ids[1], [[['ben', true]], null]]]]);
  expect(world.answers(13).slice(1)).toEqual([['ok', 13, [ids[2]]]]);
  // A room keeps the spelling of the account that created it.
  expect(new Set(world.entries.map((entry) => 'roomName' in entry && entry.roomName))).toEqual(
    new Set(['#Tea']),
  );
});

it('answers a second join, and a leave by a non-member, without an entry', async () => {
  const world = await start();
  await world.ask(['join', 11, 1, '#tea'], ['join', 12, 1, '#TEA'], ['leave', 13, 2, '#tea']);
  expect(world.answers(12)).toEqual([['ok', 12, [null, [[['ann', true]], null]]]]);
  expect(world.answers(13)).toEqual([['error', 13, 'not_a_member']]);
  expect(world.entries).toHaveLength(1);
});

it('stores a message once, however often its key is used, even within a turn', async () => {
  const world = await start();
  await world.ask(
    ['send', 11, 1, 'ben', 'once', 'k'],
    ['send', 12, 1, 'BEN', 'once', 'k'],
    ['send', 13, 1, 'ben', 'something else', 'k'],
    ['send', 14, 2, 'ben', 'another account', 'k'],
  );
  await world.ask(['send', 15, 1, 'ben', 'once', 'k']);
  const first = [world.entries[0]?.id, world.entries[0]?.at];
  expect([12, 13, 15].map((number) => world.answers(number))).toEqual([
    [['ok', 12, first]],
    [['error', 13, 'key_reused']],
    [['ok', 15, first]],
  ]);
  expect(world.texts).toEqual(['once', 'another account']);
});

it('refuses commands of a connection without a session, and messages to unknown users', async () => {
  const world = await start();
  const answers = await world.ask(
    ['send', 11, 3, 'ann', 'who am I', null],
    ['send', 12, 1, 'nobody', 'hm', null],
  );
  expect(answers).toEqual([
    ['error', 11, 'not_logged_in'],
    ['error', 12, 'no_such_user'],
  ]);
});
