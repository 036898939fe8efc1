/** The registry with its log, in this thread, under a clock that the test sets. */

import { pino } from 'pino';
import { expect, it, onTestFinished } from 'vitest';
import { type ActorRef, spawn } from '../../../src/actors/kernel/actor.ts';
import type { ToShard } from '../../../src/actors/link/messages.ts';
import { type RegistryMsg, registry } from '../../../src/actors/registry/registry.ts';
import { openProjection } from '../../../src/store/sqlite/projection.ts';
import { TestClock } from '../../support/clock.ts';
import { testFolder } from '../../support/folder.ts';
import { until } from '../../support/process.ts';

const folder = testFolder();
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
let files = 0;

class World {
  readonly clock = new TestClock();
  readonly told: ToShard[] = [];
  readonly logged: Array<Readonly<Record<string, unknown>>> = [];
  readonly #actor: ActorRef<RegistryMsg>;
  readonly #out = { push: (item: ToShard) => void this.told.push(item) };
  #number = 1;

  constructor(keepMs: number) {
    files += 1;
    const logger = pino({}, { write: (line: string) => void this.logged.push(JSON.parse(line)) });
    const projection = openProjection(`${folder}/${files}.db`);
    this.#actor = spawn('registry', registry({ projection, keepMs, logger, clock: this.clock }));
    onTestFinished(() => this.#actor.stop());
    this.#actor.tell({ type: 'accounts', names: ['ann'] });
    this.#actor.tell({ type: 'shard_connected', shard: 0, out: this.#out });
    this.#ask(['announce', 1, -1, []], ['attach', 1, 1, 'ann', false, 0], ['live', 2, 1, 0, 100_000]);
    this.#number = 2;
  }

  /** Says it; resolves when it has been committed. */
  async say(text: string, key: string | null = null): Promise<ToShard> {
    await until('ann to be live', () => this.told.some(([kind]) => kind === 'live'));
    this.#number += 1;
    const number = this.#number;
    this.#ask(['send', number, 1, 'ann', text, key]);
    const isAnswer = (item: ToShard): boolean =>
      (item[0] === 'direct' && item[3] === number) || (item[0] !== 'direct' && item[1] === number);
    return until(`an answer to ${text}`, () => this.told.find(isAnswer));
  }

  /** Seconds pass, in each of which the registry looks at the clock. */
  async pass(seconds: number, stepMs = 1_000): Promise<void> {
    for (let second = 0; second < seconds; second += 1) {
      this.clock.pass(stepMs);
      this.#actor.tell({ type: 'tick' });
      await new Promise(setImmediate);
    }
  }

  #ask(...items: Extract<RegistryMsg, { type: 'batch' }>['items']): void {
    this.#actor.tell({ type: 'batch', shard: 0, out: this.#out, items });
  }
}

it('a clock that is a month ahead for a few seconds deletes nothing, and is logged once each way', async () => {
  const at = new World(DAY_MS);
  const first = await at.say('first', 'key');
  await at.pass(2 * 60, 60_000);
  at.clock.set(30 * DAY_MS);
  await at.pass(4);
  await at.say('meanwhile');
  at.clock.set(-30 * DAY_MS);
  await at.pass(4);
  expect(await at.say('first', 'key')).toEqual(['ok', expect.anything(), [first[1], first[2]]]);
  expect(at.logged.flatMap(({ event, seconds }) => (event === 'clock.jumped' ? [seconds] : []))).toEqual([
    30 * 24 * 3_600,
    -30 * 24 * 3_600,
  ]);
  const last = await at.say('last');
  expect(last[2]).toBe(at.clock.wall());
});

it('keys end a day after they were used, when the clock has been steady', async () => {
  const at = new World(Number.POSITIVE_INFINITY);
  const first = await at.say('first', 'key');
  await at.pass(23, HOUR_MS);
  expect(await at.say('first', 'key')).toEqual(['ok', expect.anything(), [first[1], first[2]]]);
  at.clock.set(7 * DAY_MS);
  await at.pass(59, 60_000);
  expect(await at.say('first', 'key')).toEqual(['ok', expect.anything(), [first[1], first[2]]]);
  await at.pass(2, 60_000);
  expect((await at.say('first', 'key'))[0]).toBe('direct');
});
