/** The registry's turns: on a failing disk, on a distant log, and when threads die while a turn is in flight. */

import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { Fold } from '../../../src/chat/fold.ts';
import type { OpenLog } from '../../../src/store/log.ts';
import { openProjection } from '../../../src/store/sqlite/projection.ts';
import { append } from '../../support/append.ts';
import { testFolder } from '../../support/folder.ts';
import { HeldLog } from '../../support/held-log.ts';
import { until } from '../../support/process.ts';
import { RegistryDriver } from '../../support/registry-driver.ts';

const folder = testFolder();
let files = 0;

function newFile(): string {
  files += 1;
  return `${folder}/${files}.db`;
}

/** Runs a statement in the database on a connection of its own. */
function meddle(file: string, sql: string): void {
  const db = new DatabaseSync(file);
  db.exec(sql);
  db.close();
}

/** Makes every transaction that stores an entry fail, as on a failing disk. */
const BREAK = "CREATE TRIGGER broken BEFORE INSERT ON entries BEGIN SELECT RAISE(ABORT, 'broken'); END";
const REPAIR = 'DROP TRIGGER broken';

describe('on one machine', () => {
  it('refuses only the command whose key cannot be looked up', async () => {
    const file = newFile();
    const world = new RegistryDriver({ file, names: ['ann'] });
    await world.ask(['attach', 1, 1, 'ann', false, 0], ['live', 2, 1, 0, 100_000]);
    meddle(file, 'ALTER TABLE keys RENAME TO lost');
    await world.ask(
      ['send', 3, 1, 'ann', 'before', null],
      ['send', 4, 1, 'ann', 'with a key', 'another'],
      ['send', 5, 1, 'ann', 'after', null],
    );
    expect(world.answers(4)).toEqual([['error', 4, 'storage_failed']]);
    expect(world.texts).toEqual(['before', 'after']);
    expect(world.logged.map(({ event }) => event)).toEqual(['storage_failed']);
  });

  it('answers queries while another process has locked the database', async () => {
    const file = newFile();
    const world = new RegistryDriver({ file, names: ['ann'] });
    await world.ask(['attach', 1, 1, 'ann', false, 0]);
    const other = new DatabaseSync(file);
    other.exec('BEGIN IMMEDIATE');
    const answers = await world.ask(['who', 2, 1, null, null], ['rooms', 3, 1, null]);
    other.close();
    expect(answers).toEqual([
      ['ok', 2, [[['ann', true]], null]],
      ['ok', 3, [[], null]],
    ]);
    // A turn that needs the lock would fail after a while.
    expect(world.logged).toEqual([]);
  });

  it('takes in a retirement that is on disk although its commit seemed to fail', async () => {
    const file = newFile();
    const world = new RegistryDriver({ file, names: ['ann'] });
    await world.ask(['attach', 1, 1, 'ann', false, 0], ['attach', 2, 2, 'gil', true, null]);
    await world.ask(['join', 3, 2, '#tea']);
    // The registry cannot know that its last transaction is on disk after all.
    const other = openProjection(file);
    const gil = other.load().account('gil');
    const room = other.load().room('#tea');
    if (gil === undefined || room === undefined) throw new Error('no guest');
    const left = { kind: 'left', account: gil.id, user: 'gil', room: room.id, roomName: '#tea' } as const;
    append(other, { drafts: [{ ...left, origin: null }], retired: [gil] });
    other.close();
    meddle(file, BREAK);
    await world.ask(['send', 4, 1, 'ann', 'lost', null]);
    meddle(file, REPAIR);
    expect(world.sent).toContainEqual(['expelled', gil.id, 'failed']);
    const [rooms] = await world.ask(['rooms', 5, 1, null]);
    expect(rooms).toEqual(['ok', 5, [[], null]]);
    const [again] = await world.ask(['attach', 6, 3, 'gil', true, null]);
    expect(again?.[2]).toBeGreaterThan(gil.id);
  });
});

/** A registry on a distant log, with ann online. */
async function distant(file: string, log: HeldLog): Promise<RegistryDriver> {
  const world = new RegistryDriver({ file, names: ['ann'], openLog: log.open });
  await proposals(log, 1);
  log.release();
  world.tell(['attach', 1, 1, 'ann', false, 0], ['live', 2, 1, 0, 100_000]);
  await proposals(log, 1);
  log.release();
  await world.answer(2);
  return world;
}

function proposals(log: HeldLog, count: number): Promise<unknown> {
  return until(`${count} proposals`, () => log.proposed.length >= count);
}

describe('on a distant log', () => {
  it('keeps a page that cannot be stored, and stores it before anything newer', async () => {
    const file = newFile();
    const log = new HeldLog();
    const world = await distant(file, log);
    world.tell(['send', 3, 1, 'ann', 'first', null]);
    await proposals(log, 1);
    world.tell(['send', 4, 1, 'ann', 'second', null]);
    await proposals(log, 2);
    meddle(file, BREAK);
    const second = log.proposed.pop();
    log.release();
    // Its own turns wait. It refuses new commands instead of queueing them without a limit.
    await world.ask(['send', 5, 1, 'ann', 'meanwhile', null]);
    expect(world.answers(5)).toEqual([['error', 5, 'storage_failed']]);
    if (second !== undefined) log.propose(second);
    log.proposeForeign({ kind: 'register', name: 'ben', guest: false });
    log.release();
    expect([world.answers(3), world.answers(4)]).toEqual([[], []]);
    expect(world.projection.position).toBe(2);

    meddle(file, REPAIR);
    world.tick();
    await world.answer(4);
    expect(world.texts).toEqual(['first', 'second']);
    expect(world.projection.position).toBe(5);
    expect(world.projection.load().account('ben')).toBeDefined();
  });

  it('answers the commands of a page that is on disk although storing it seemed to fail', async () => {
    const file = newFile();
    const log = new HeldLog();
    const world = await distant(file, log);
    world.tell(['send', 3, 1, 'ann', 'stored', null], ['attach', 4, 2, 'gil', true, null]);
    await proposals(log, 1);
    // Another fold on the same database stores the page, then the registry fails to store it.
    const batch = log.proposed[0];
    if (batch === undefined) throw new Error('no batch');
    const other = openProjection(file);
    new Fold(other).apply([{ position: other.position + 1, at: Date.now(), batch }]);
    other.close();
    meddle(file, BREAK);
    log.release();
    meddle(file, REPAIR);
    world.tick();
    await world.answer(4);
    expect(world.texts).toEqual(['stored']);
    expect(world.answers(4)).toEqual([['error', 4, 'storage_failed']]);
  });

  it('answers once if a batch comes twice in one page', async () => {
    const log = new HeldLog();
    const openLog: OpenLog = (position, onCommitted) =>
      log.open(position, (page) => onCommitted([...page, ...page]));
    const world = new RegistryDriver({ file: newFile(), names: ['ann'], openLog });
    await proposals(log, 1);
    log.release();
    world.tell(['attach', 1, 1, 'ann', false, 0], ['attach', 2, 2, 'gil', true, null]);
    await proposals(log, 1);
    log.release();
    await world.answer(2);
    expect([...world.answers(1), ...world.answers(2)].map(([type]) => type)).toEqual([
      'attached',
      'attached',
    ]);
    world.tell(['detach', 3, 2], ['send', 4, 1, 'ann', 'once', null], ['who', 5, 1, null, null]);
    await proposals(log, 1);
    log.release();
    await world.answer(5);
    expect(world.answers(4)).toHaveLength(1);
    expect(world.texts).toEqual(['once']);
    expect(world.answers(5)).toEqual([['ok', 5, [[['ann', true]], null]]]);
  });

  it('fails when the log skips a batch', async () => {
    const log = new HeldLog();
    const world = await distant(newFile(), log);
    world.tell(['send', 3, 1, 'ann', 'never decided', null]);
    await proposals(log, 1);
    expect(() => log.skip()).toThrow('the log skips from position 2 to 4');
  });

  it('handles no repeated command before the batches of its previous run are committed', async () => {
    const file = newFile();
    const log = new HeldLog();
    const former = await distant(file, log);
    former.tell(['send', 3, 1, 'ann', 'once', null]);
    await proposals(log, 1);
    await former.stop();
    const [account] = former.sent.flatMap((item) => (item[0] === 'attached' ? [item[2]] : []));
    const next = new RegistryDriver({
      file,
      names: ['ann'],
      openLog: log.open,
      sessions: [[1, Number(account), 'ann', true]],
    });
    next.tell(['who', 6, 1, null, null]);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(next.sent).toEqual([]);
    log.release();
    await proposals(log, 1);
    log.release();
    await until('the shard to have caught up', () => next.sent.some(([kind]) => kind === 'caught_up'));
    expect(next.texts).toEqual(['once']);
    expect(next.answers(3)).toHaveLength(1);
  });

  it('retires a guest of an earlier run who does not reconnect', async () => {
    const file = newFile();
    const log = new HeldLog();
    const former = await distant(file, log);
    former.tell(['attach', 3, 2, 'gil', true, null]);
    await proposals(log, 1);
    await former.stop();
    const next = new RegistryDriver({ file, names: ['ann'], openLog: log.open });
    log.release();
    expect(next.projection.load().account('gil')).toBeDefined();
    await proposals(log, 1);
    log.release();
    await until('the shard to have caught up', () => next.sent.some(([kind]) => kind === 'caught_up'));
    next.clock.pass(10_000);
    next.tick();
    await proposals(log, 1);
    log.release();
    expect(next.projection.load().account('gil')).toBeUndefined();
  });

  it('retires a guest whose shard dies during the login, and begins no session for it', async () => {
    const log = new HeldLog();
    const world = await distant(newFile(), log);
    world.tell(['attach', 3, 2, 'gil', true, null]);
    await proposals(log, 1);
    await world.disconnect();
    log.release();
    expect(world.projection.load().account('gil')).toBeDefined();
    world.tick();
    await proposals(log, 1);
    log.release();
    expect(world.projection.load().account('gil')).toBeUndefined();
    expect(world.answers(3)).toEqual([]);

    world.connect();
    world.tell(['attach', 4, 1, 'ann', false, 0], ['who', 5, 1, null, null]);
    await proposals(log, 1);
    log.release();
    await world.answer(4);
    world.tell(['who', 6, 1, null, null]);
    await proposals(log, 1);
    log.release();
    expect(await world.answer(6)).toEqual(['ok', 6, [[['ann', true]], null]]);
  });
});
