/** Who comes in as whom, when several things happen to a name in one turn. */

import { pino } from 'pino';
import { expect, it, onTestFinished } from 'vitest';
import { type ActorRef, spawn } from '../../../src/actors/kernel/actor.ts';
import type { ToShard } from '../../../src/actors/link/messages.ts';
import { type RegistryMsg, registry } from '../../../src/actors/registry/registry.ts';
import { openProjection } from '../../../src/store/sqlite/projection.ts';
import { append } from '../../support/append.ts';
import { testFolder } from '../../support/folder.ts';
import { until } from '../../support/process.ts';

const folder = testFolder();
const logger = pino({ level: 'silent' });
let files = 0;

function newFile(): string {
  files += 1;
  return `${folder}/${files}.db`;
}

type Asked = Extract<RegistryMsg, { type: 'batch' }>['items'][number];

/** A registry and its only shard. */
class World {
  readonly #told: ToShard[] = [];
  readonly #actor: ActorRef<RegistryMsg>;
  readonly #out = { push: (item: ToShard) => void this.#told.push(item) };

  constructor(file: string, names: readonly string[]) {
    const projection = openProjection(file);
    this.#actor = spawn('registry', registry({ projection, keepMs: Number.POSITIVE_INFINITY, logger }));
    onTestFinished(() => this.#actor.stop());
    this.#actor.tell({ type: 'accounts', names });
    this.#actor.tell({ type: 'shard_connected', shard: 0, out: this.#out });
    this.tell(['announce', 1, -1, []]);
  }

  /** Asks all of it in one turn. Numbers of commands are their second elements. */
  async ask(...items: Asked[]): Promise<ToShard[]> {
    this.tell(...items);
    return Promise.all(items.map((item) => this.answer(Number(item[1]))));
  }

  answer(asked: number): Promise<ToShard> {
    const kinds = ['ok', 'error', 'attached', 'live', 'behind'];
    return until(`an answer to ${asked}`, () =>
      this.#told.find(([kind, number]) => number === asked && kinds.includes(kind)),
    );
  }

  /** Sends all of it in one turn, and waits for nothing. */
  tell(...items: Asked[]): void {
    this.#actor.tell({ type: 'batch', shard: 0, out: this.#out, items });
  }
}

it('lets nobody in as the former account of a name that is registered anew in the same turn', async () => {
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

  // Bob is not among those who can log in any more; then somebody registers his name.
  const world = new World(file, ['ann']);
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

it('lets in one of two guests of one name that come in the same turn', async () => {
  const world = new World(newFile(), []);
  const answers = await world.ask(['attach', 21, 1, 'gil', true, 0], ['attach', 22, 2, 'gil', true, 0]);
  expect(answers.map(([kind, , code]) => (kind === 'error' ? code : kind))).toEqual([
    'unavailable',
    'attached',
  ]);
  const [online] = await world.ask(['who', 23, 2, null, null]);
  expect(online).toEqual(['ok', 23, [[['gil', true]], null]]);
});

it('shows a guest what is said to it in the very turn in which it comes', async () => {
  const world = new World(newFile(), ['ann']);
  await world.ask(['attach', 41, 1, 'ann', false, 0], ['live', 42, 1, 0, 100_000]);
  world.tell(['attach', 43, 2, 'gil', true, null], ['send', 44, 1, 'gil', 'hello', null]);
  const attached = await world.answer(43);
  const [live] = await world.ask(['live', 45, 2, Number(attached[6]), 100_000]);
  expect(JSON.stringify(live?.[3])).toContain('hello');
});

it('shows in a list what its connection has asked for before, and nothing that it asks for behind', async () => {
  const world = new World(newFile(), ['ann']);
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
