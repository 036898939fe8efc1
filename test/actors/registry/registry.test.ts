/** The registry and its log on this thread, with a clock that the test sets. */

import { pino } from 'pino';
import { expect, it, onTestFinished } from 'vitest';
import { type ActorRef, type Outcome, spawn } from '../../../src/actors/kernel/actor.ts';
import type { ToShard } from '../../../src/actors/link/messages.ts';
import { type RegistryMsg, registry } from '../../../src/actors/registry/registry.ts';
import type { Entry } from '../../../src/chat/entry.ts';
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
  readonly sent: ToShard[] = [];
  readonly logged: Array<Readonly<Record<string, unknown>>> = [];
  readonly #actor: ActorRef<RegistryMsg>;
  readonly #out = { push: (item: ToShard) => void this.sent.push(item) };
  #number = 1;

  constructor(keepMs: number, registeredAt?: (user: string) => Promise<Outcome<number | null>>) {
    files += 1;
    const logger = pino({}, { write: (line: string) => void this.logged.push(JSON.parse(line)) });
    const projection = openProjection(`${folder}/${files}.db`);
    const options = { projection, keepMs, logger, clock: this.clock };
    this.#actor = spawn('registry', registry(registeredAt ? { ...options, registeredAt } : options));
    onTestFinished(() => this.#actor.stop());
    this.#actor.tell({ type: 'accounts', names: ['ann'] });
    this.#actor.tell({ type: 'shard_connected', shard: 0, out: this.#out });
    this.ask(['announce', 1, -1, []], ['attach', 1, 1, 'ann', false, 0], ['live', 2, 1, 0, 100_000]);
    this.#number = 2;
  }

  /** Sends a message; resolves when it is committed. */
  async say(text: string, key: string | null = null): Promise<ToShard> {
    await until('ann to be live', () => this.sent.some(([kind]) => kind === 'live'));
    this.#number += 1;
    const number = this.#number;
    this.ask(['send', number, 1, 'ann', text, key]);
    return until(`an answer to ${text}`, () => this.sent.find((item) => item[1] === number));
  }

  /** Lets seconds pass, with a tick of the registry in each. */
  async pass(seconds: number, stepMs = 1_000): Promise<void> {
    for (let second = 0; second < seconds; second += 1) {
      this.clock.pass(stepMs);
      this.#actor.tell({ type: 'tick' });
      await new Promise(setImmediate);
    }
  }

  /** The shard's thread dies. */
  loseShard(): void {
    this.#actor.tell({ type: 'shard_gone', shard: 0, out: this.#out });
  }

  ask(...items: Extract<RegistryMsg, { type: 'batch' }>['items']): void {
    this.#actor.tell({ type: 'batch', shard: 0, out: this.#out, items });
  }
}

function stored(item: ToShard): Entry {
  if (item[0] !== 'entry') expect.fail(`expected an entry, not ${item.join()}`);
  return item[2];
}

it('a clock that is a month ahead for a few seconds deletes nothing, and is logged once each way', async () => {
  const at = new World(DAY_MS);
  const first = stored(await at.say('first', 'key'));
  await at.pass(2 * 60, 60_000);
  at.clock.set(30 * DAY_MS);
  await at.pass(4);
  await at.say('meanwhile');
  at.clock.set(-30 * DAY_MS);
  await at.pass(4);
  expect(await at.say('first', 'key')).toEqual(['ok', expect.anything(), [first.id, first.at]]);
  expect(at.logged.flatMap(({ event, seconds }) => (event === 'clock.jumped' ? [seconds] : []))).toEqual([
    30 * 24 * 3_600,
    -30 * 24 * 3_600,
  ]);
  const last = stored(await at.say('last'));
  expect(last.at).toBe(at.clock.wall());
});

it('keys end a day after they were used, when the clock has been steady', async () => {
  const at = new World(Number.POSITIVE_INFINITY);
  const first = stored(await at.say('first', 'key'));
  await at.pass(23, HOUR_MS);
  expect(await at.say('first', 'key')).toEqual(['ok', expect.anything(), [first.id, first.at]]);
  at.clock.set(7 * DAY_MS);
  await at.pass(59, 60_000);
  expect(await at.say('first', 'key')).toEqual(['ok', expect.anything(), [first.id, first.at]]);
  await at.pass(2, 60_000);
  expect(stored(await at.say('first', 'key')).id).toBeGreaterThan(first.id);
});

it('handles other commands while an answer waits for auth, and drops the answer if its shard has died', async () => {
  const calls: Array<(outcome: Outcome<number | null>) => void> = [];
  const at = new World(DAY_MS, () => new Promise((resolve) => calls.push(resolve)));
  const answerTo = (number: number): ToShard | undefined => at.sent.find((item) => item[1] === number);
  await at.say('first');
  at.ask(['whois', 101, 1, 'ann'], ['rooms', 102, 1, null], ['whois', 103, 1, 'ann']);
  await until('an answer to rooms', () => answerTo(102));
  expect([answerTo(101), answerTo(103)]).toEqual([undefined, undefined]);
  calls[0]?.({ type: 'answered', value: 7 });
  const answer = await until('an answer to whois', () => answerTo(101));
  expect(answer).toMatchObject(['ok', 101, { user: 'ann', registeredAt: 7 }]);
  at.loseShard();
  await new Promise(setImmediate);
  calls[1]?.({ type: 'answered', value: 7 });
  await new Promise(setImmediate);
  expect(answerTo(103)).toBeUndefined();
});
