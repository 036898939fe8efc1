/** How old messages are, and what is removed, whatever the clock said while they were stored. */

import { expect, it, onTestFinished } from 'vitest';
import type { Entry } from '../../../src/chat/entry.ts';
import type { Projection } from '../../../src/chat/projection.ts';
import { openProjection } from '../../../src/store/sqlite/projection.ts';
import { append, tell } from '../../support/append.ts';
import { TestClock } from '../../support/clock.ts';
import { testFolder } from '../../support/folder.ts';

const folder = testFolder();
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
let files = 0;

class World {
  readonly clock = new TestClock();
  readonly #file: string;
  log: Projection;

  constructor() {
    files += 1;
    this.#file = `${folder}/${files}.db`;
    this.log = openProjection(this.#file);
    append(this.log, { accounts: [{ name: 'ann', guest: false }] });
    onTestFinished(() => this.log.close());
  }

  say(text: string, key: string | null = null): Entry {
    const ann = { id: 1, name: 'ann' };
    const [entry] = append(this.log, { drafts: [tell(ann, ann, text, key)] }, this.clock.wall()).entries;
    if (entry === undefined) throw new Error('no entry');
    return entry;
  }

  restart(): void {
    this.log.close();
    this.log = openProjection(this.#file);
  }

  /** Days in which somebody says something every hour, and the log is cleaned up, as by a clock that is right. */
  live(days: number, keepDays: number): void {
    for (let hour = 0; hour < days * 24; hour += 1) {
      this.clock.pass(HOUR_MS);
      this.say(`${this.clock.wall()}`);
      this.clean(keepDays);
    }
  }

  clean(keepDays: number, limit = 10_000): void {
    const now = this.clock.wall();
    const outcome = this.log.prune({
      now,
      keysBefore: now - DAY_MS,
      entriesBefore: now - keepDays * DAY_MS,
      limit,
    });
    if (outcome.type !== 'pruned') throw new Error(outcome.type);
    if (outcome.isMore) this.clean(keepDays, limit);
  }

  get texts(): string[] {
    return this.log.readAfter(0, 10_000).map((entry) => ('text' in entry ? entry.text : ''));
  }
}

it('stores the time of the commit beside the id, which never goes back', () => {
  const at = new World();
  const before = at.say('before');
  at.clock.set(30 * DAY_MS);
  const ahead = at.say('ahead', 'key');
  at.clock.set(-30 * DAY_MS);
  at.clock.pass(1_000);
  const right = at.say('right', 'another');
  expect([ahead.id - before.id, right.id - ahead.id]).toEqual([30 * DAY_MS * 1_000, 1]);
  expect([ahead.at - before.at, right.at - before.at]).toEqual([30 * DAY_MS, 1_000]);
  expect(right.at).toBe(at.clock.wall());
  at.restart();
  expect(at.log.readAfter(0, 10)).toEqual([before, ahead, right]);
  expect(at.log.findKey(1, 'another')?.at).toBe(right.at);
  at.clock.pass(1_000);
  expect(at.say('after a restart')).toMatchObject({ id: right.id + 1, at: at.clock.wall() });
});

it('does not let one reading of an absurd clock use up the ids', () => {
  const at = new World();
  const before = at.say('before');
  at.clock.set(400 * 365 * DAY_MS);
  const absurd = at.say('in the year 2426');
  expect(absurd).toMatchObject({ id: before.id + 1, at: at.clock.wall() });
  at.clock.set(-at.clock.wall() - DAY_MS);
  expect(at.say('before 1970')).toMatchObject({ id: before.id + 2, at: 0 });
});

it('removes messages and keys by their age, a bounded number at a time', () => {
  const at = new World();
  for (let i = 0; i < 10; i += 1) at.say(`old ${i}`, `old ${i}`);
  at.clock.pass(DAY_MS);
  at.say('new', 'new');
  const now = at.clock.wall();
  const prune = (limit: number) => at.log.prune({ now, keysBefore: now, entriesBefore: now, limit });
  expect(prune(4)).toEqual({ type: 'pruned', isMore: true });
  expect(at.texts).toHaveLength(7);
  expect(prune(4)).toEqual({ type: 'pruned', isMore: true });
  expect(prune(4)).toEqual({ type: 'pruned', isMore: false });
  expect(at.texts).toEqual(['new']);
  expect([at.log.findKey(1, 'old 9'), at.log.findKey(1, 'new')?.id]).toEqual([undefined, at.log.lastId]);
});

it('keeps a message for its time although it was stamped too early', () => {
  const at = new World();
  at.live(3, 2);
  at.clock.pass(3 * DAY_MS);
  at.clean(2);
  at.clock.set(-30 * DAY_MS);
  at.say('stamped a month ago');
  at.clock.set(30 * DAY_MS);
  at.clock.pass(HOUR_MS);
  at.say('stamped right');
  at.clean(2);
  expect(at.texts).toEqual(['stamped a month ago', 'stamped right']);
  at.clock.pass(2 * DAY_MS + 1);
  at.say('two days later');
  at.clean(2);
  expect(at.texts).toEqual(['two days later']);
});

it.each([3, 30])('a message that was stamped %d days ahead keeps nothing longer than it should', (days) => {
  const at = new World();
  at.live(2, 10);
  at.clock.set(days * DAY_MS);
  at.say('stamped ahead');
  at.clock.set(-days * DAY_MS);
  const said = at.clock.wall();
  at.live(9, 10);
  expect(at.texts).toContain('stamped ahead');
  at.live(2, 10);
  expect(at.texts).not.toContain('stamped ahead');
  const oldest = Number(at.texts[0]);
  expect([oldest > said, at.clock.wall() - oldest]).toEqual([true, 10 * DAY_MS]);
});

it('goes by the times of the messages where nothing else is known', () => {
  const at = new World();
  at.say('old');
  at.clock.pass(3 * DAY_MS);
  at.say('new');
  at.clean(2);
  expect(at.texts).toEqual(['new']);
});
