/** Which account a session gets when several commands of one turn concern the same name. */

import { expect, it } from 'vitest';
import { openProjection } from '../../../src/store/sqlite/projection.ts';
import { append } from '../../support/append.ts';
import { testFolder } from '../../support/folder.ts';
import { RegistryDriver } from '../../support/registry-driver.ts';

const folder = testFolder();
let files = 0;

function newFile(): string {
  files += 1;
  return `${folder}/${files}.db`;
}

it('never logs in to the former account of a name that is registered again in the same turn', async () => {
  const file = newFile();
  const before = openProjection(file);
  const [ann, bob] = append(before, {
    accounts: [
      { name: 'ann', guest: false },
      { name: 'bob', guest: false },
    ],
  }).accounts;
  if (ann === undefined || bob === undefined) throw new Error('nobody');
  const said = { account: ann.id, user: 'ann', peer: bob.id, peerName: 'bob', key: null, origin: null };
  append(before, { drafts: [{ kind: 'direct', text: 'for the former bob', ...said }] });
  before.close();

  // Bob can no longer log in; then somebody else registers his name.
  const world = new RegistryDriver({ file: file, names: ['ann'] });
  const answers = await world.ask(
    ['account', 11, 1, 'bob'],
    ['attach', 12, 2, 'bob', false, 0],
    ['attach', 13, 3, 'bob', false, 0],
  );
  expect(answers.map(([kind]) => kind)).toEqual(['ok', 'attached', 'attached']);
  const ids = answers.slice(1).map((answer) => answer[2]);
  expect(ids[0]).toBe(ids[1]);
  expect(ids[0]).not.toBe(bob.id);
  const [live] = await world.ask(['live', 14, 2, 0, 100_000]);
  expect(live?.[3]).toEqual([]);
});

it('accepts one of two guests who choose the same name in the same turn', async () => {
  const world = new RegistryDriver({ file: newFile(), names: [] });
  const answers = await world.ask(['attach', 21, 1, 'gil', true, 0], ['attach', 22, 2, 'gil', true, 0]);
  expect(answers.map(([kind, , code]) => (kind === 'error' ? code : kind))).toEqual([
    'unavailable',
    'attached',
  ]);
  const [online] = await world.ask(['who', 23, 2, null, null]);
  expect(online).toEqual(['ok', 23, [[['gil', true]], null]]);
});

it('delivers a message to a guest whose session begins in the same turn', async () => {
  const world = new RegistryDriver({ file: newFile(), names: ['ann'] });
  await world.ask(['attach', 41, 1, 'ann', false, 0], ['live', 42, 1, 0, 100_000]);
  world.tell(['attach', 43, 2, 'gil', true, null], ['send', 44, 1, 'gil', 'hello', null]);
  const attached = await world.answer(43);
  const [live] = await world.ask(['live', 45, 2, Number(attached[6]), 100_000]);
  expect(JSON.stringify(live?.[3])).toContain('hello');
});

it('shows in a list the effects of earlier commands of the connection, and not of later ones', async () => {
  const world = new RegistryDriver({ file: newFile(), names: ['ann'] });
  await world.ask(['attach', 31, 1, 'ann', false, 0], ['live', 32, 1, 0, 100_000]);
  const [, within, , after] = await world.ask(
    ['join', 33, 1, '#tea'],
    ['who', 34, 1, '#tea', null],
    ['leave', 35, 1, '#tea'],
    ['who', 36, 1, '#tea', null],
  );
  expect(within).toEqual(['ok', 34, [[['ann', true]], null]]);
  expect(after).toEqual(['error', 36, 'no_such_room']);
});
