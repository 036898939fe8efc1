import { once } from 'node:events';
import { DatabaseSync } from 'node:sqlite';
import { MessageChannel, Worker } from 'node:worker_threads';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Account } from '../../../src/chat/directory.ts';
import type { Draft, Entry } from '../../../src/chat/entry.ts';
import type { Projection, Stored } from '../../../src/chat/projection.ts';
import { openProjection } from '../../../src/store/sqlite/projection.ts';
import { join, leave, say, tell, tryAppend, type Written } from '../../support/append.ts';
import { testFolder } from '../../support/folder.ts';

const folder = testFolder();
let files = 0;
const newFile = (): string => {
  files += 1;
  return `${folder}/${files}.db`;
};

function accounts(log: Projection, ...names: string[]): Account[] {
  const added = append(log, [], names);
  if (added.type !== 'committed') throw new Error(added.type);
  return [...added.value.accounts];
}

function append(
  log: Projection,
  drafts: Draft[],
  names: string[] = [],
  retired: Account[] = [],
): Stored<Written> {
  return tryAppend(log, { accounts: names.map((name) => ({ name, guest: false })), drafts, retired });
}

function commit(log: Projection, drafts: Draft[]): readonly Entry[] {
  const outcome = append(log, drafts);
  if (outcome.type !== 'committed') throw new Error(outcome.type);
  return outcome.value.entries;
}

/** A room, which is new if it has no id. */
const room = (name: string, id = 0) => ({ id, name });

describe('the log', () => {
  it('gives back what was appended, in order, with rising ids that tell the time', () => {
    const log = openProjection(newFile());
    const [ann, ben] = accounts(log, 'Ann', 'ben') as [Account, Account];
    const before = Date.now() * 1_000;
    const [joined] = commit(log, [join(ann, room('#Tea'))]) as [Entry & { room: number }];
    const entries = [
      joined,
      ...commit(log, [
        { ...say(ann, room('#Tea', joined.room), 'hello', 'k1'), origin: { shard: 1, number: 7 } },
        tell(ben, ann, 'psst'),
        tell(ann, ben, 'ja?'),
      ]),
      ...commit(log, [leave(ann, room('#Tea', joined.room)), tell(ann, ann, 'note')]),
    ];
    const ids = entries.map((entry) => entry.id);
    expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b));
    expect(ids[0]).toBeGreaterThanOrEqual(before);
    expect(log.lastId).toBe(ids.at(-1));
    expect(log.readAfter(0, 100)).toEqual(entries);
    expect(log.readAfter(ids[1] ?? 0, 2)).toEqual(entries.slice(2, 4));
    log.close();
  });

  it('keeps accounts, rooms and members over a reopening, and never gives an id twice', () => {
    const file = newFile();
    let log = openProjection(file);
    const [ann, ben] = accounts(log, 'Ann', 'ben') as [Account, Account];
    const [first] = commit(log, [join(ann, room('#Tea'))]) as [Entry & { room: number }];
    commit(log, [join(ben, room('#Tea', first.room)), leave(ann, room('#Tea', first.room))]);
    append(log, [], [], [ann]);
    log.close();
    log = openProjection(file);
    const directory = log.load();
    expect(directory.account('ann')).toBeUndefined();
    expect([...(directory.room('#TEA')?.members.values() ?? [])].map((a) => a.name)).toEqual(['ben']);
    const [again] = accounts(log, 'ann') as [Account];
    expect(again.id).toBeGreaterThan(Math.max(ann.id, ben.id));
    log.close();
  });

  it('keeps membership as intervals: joining again begins a new one', () => {
    const file = newFile();
    const log = openProjection(file);
    const [ann] = accounts(log, 'ann') as [Account];
    const [a] = commit(log, [join(ann, room('#r'))]) as [Entry & { room: number }];
    const [b] = commit(log, [leave(ann, room('#r', a.room))]) as [Entry];
    const [c] = commit(log, [join(ann, room('#r', a.room))]) as [Entry];
    log.close();
    const db = new DatabaseSync(file, { readOnly: true });
    const rows = db.prepare('SELECT from_id, to_id FROM members ORDER BY from_id').all();
    db.close();
    expect(rows.map((row) => ({ ...row }))).toEqual([
      { from_id: a.id, to_id: b.id },
      { from_id: c.id, to_id: null },
    ]);
  });

  it('gives two first joins of one room in one batch the same room', () => {
    const log = openProjection(newFile());
    const [ann, ben] = accounts(log, 'ann', 'ben') as [Account, Account];
    const [a, b] = commit(log, [join(ann, room('#New')), join(ben, room('#new'))]) as [
      Entry & { room: number },
      Entry & { room: number },
    ];
    expect(a.room).toBe(b.room);
    expect(log.load().room('#NEW')?.members.size).toBe(2);
    log.close();
  });

  it('knows a key of its account, what it was used for, and forgets it', () => {
    const log = openProjection(newFile());
    const [ann, ben] = accounts(log, 'ann', 'ben') as [Account, Account];
    const [sent] = commit(log, [tell(ann, ben, 'once', 'k')]) as [Entry];
    const use = log.findKey(ann.id, 'k');
    expect([
      use?.id,
      use?.isSame('BEN', 'once'),
      use?.isSame('ben', 'twice'),
      use?.isSame('ann', 'once'),
    ]).toEqual([sent.id, true, false, false]);
    expect(log.findKey(ben.id, 'k')).toBeUndefined();
    const now = sent.at + 1;
    log.prune({ now, keysBefore: now, entriesBefore: Number.NEGATIVE_INFINITY, limit: 100 });
    expect(log.findKey(ann.id, 'k')).toBeUndefined();
    log.close();
  });

  it('commits a batch whole or not at all', () => {
    const log = openProjection(newFile());
    const [ann, ben] = accounts(log, 'ann', 'ben') as [Account, Account];
    commit(log, [tell(ann, ben, 'first', 'k')]);
    const outcome = append(log, [tell(ann, ben, 'second'), tell(ann, ben, 'same key', 'k')]);
    expect(outcome.type).toBe('storage_failed');
    log.reopen();
    expect(log.readAfter(0, 10).map((entry) => 'text' in entry && entry.text)).toEqual(['first']);
    expect(commit(log, [tell(ann, ben, 'third')])).toHaveLength(1);
    log.close();
  });

  it('gives rising ids when the clock is set back, within a batch and from batch to batch', () => {
    const log = openProjection(newFile());
    const [ann] = accounts(log, 'ann') as [Account];
    let now = Date.now();
    // A millisecond earlier each time that somebody looks.
    const clock = vi.spyOn(Date, 'now').mockImplementation(() => --now);
    onTestFinished(() => clock.mockRestore());
    const batch = (): Draft[] => Array.from({ length: 5 }, (_, i) => tell(ann, ann, `${i}`));
    const ids = [...commit(log, batch()), ...commit(log, batch())].map((entry) => entry.id);
    now -= 3_600_000;
    log.reopen();
    ids.push(...commit(log, batch()).map((entry) => entry.id));
    expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b));
    expect(log.readAfter(0, 100).map((entry) => entry.id)).toEqual(ids);
    log.close();
  });

  it('begins and ends accounts with the entries of their batch, whole or not at all', () => {
    const log = openProjection(newFile());
    const names = (): string[] => [...log.load().accounts()].map(({ name }) => name).sort();
    const [ann, guest] = accounts(log, 'ann', 'guest') as [Account, Account];
    const [joined] = commit(log, [join(guest, room('#r'))]) as [Entry & { room: number }];
    const leaves = leave(guest, room('#r', joined.room));
    const twice = [tell(ann, ann, 'a', 'key'), tell(ann, ann, 'b', 'key')];
    expect(append(log, [leaves, ...twice], ['eve'], [guest]).type).toBe('storage_failed');
    log.reopen();
    expect([names(), log.load().room('#r')?.members.size]).toEqual([['ann', 'guest'], 1]);
    const outcome = append(log, [leaves], ['dan', 'eve'], [guest]);
    expect(outcome).toMatchObject({
      value: { accounts: [{ name: 'dan' }, { name: 'eve' }], entries: [leaves] },
    });
    log.reopen();
    expect([names(), log.load().room('#r')]).toEqual([['ann', 'dan', 'eve'], undefined]);
    expect(accounts(log, 'guest')[0]?.id).toBeGreaterThan(guest.id);
    log.close();
  });

  it('refuses a file that is no database, and one of a later version', () => {
    const file = newFile();
    openProjection(file).close();
    const db = new DatabaseSync(file);
    db.exec('PRAGMA user_version = 99');
    db.close();
    expect(() => openProjection(file)).toThrow(/version is 99/);
  });
});

it('opens again while somebody else is at a checkpoint', async () => {
  const file = newFile();
  const log = openProjection(file);
  const [ann] = accounts(log, 'ann');
  if (ann === undefined) throw new Error('nobody');
  const { port1, port2 } = new MessageChannel();
  const other = new Worker(
    `const { DatabaseSync } = require('node:sqlite');
     const { workerData } = require('node:worker_threads');
     const checkpoint = new DatabaseSync(workerData.file).prepare('PRAGMA wal_checkpoint(PASSIVE)');
     workerData.port.postMessage('ready');
     for (;;) checkpoint.get();`,
    { eval: true, workerData: { file, port: port2 }, transferList: [port2] },
  );
  await once(port1, 'message');
  for (let i = 0; i < 200; i += 1) {
    commit(log, [tell(ann, ann, 'x'.repeat(8_000))]);
    log.reopen();
  }
  await other.terminate();
  port1.close();
  log.close();
});
