import { describe, expect, it } from 'vitest';
import type { Account, Room } from '../../src/chat/directory.ts';
import type { Entry } from '../../src/chat/entry.ts';
import { Receipts } from '../../src/chat/receipts.ts';
import { say, tell } from '../support/append.ts';

const tea: Room = { id: 7, name: '#tea', members: new Map(), sorted: undefined };
const person = (id: number, since?: number): Account => ({
  id,
  name: `u${id}`,
  guest: false,
  rooms: since === undefined ? undefined : new Map([[tea, since]]),
  seen: undefined,
});
const roomMessage = (id: number, account: number): Entry => ({
  ...say(person(account), tea),
  id,
  at: 1,
});
const directMessage = (id: number, account: number, peer: number): Entry => ({
  ...tell(person(account), person(peer)),
  id,
  at: 1,
});
const delivered = (receipts: Receipts, account: Account, through: number) => [
  ...receipts.confirm(account, through),
];

describe('receipts', () => {
  it('are due once, when somebody other than the author has seen the message', () => {
    const receipts = new Receipts();
    for (const entry of [roomMessage(10, 1), roomMessage(20, 2), directMessage(30, 1, 2), roomMessage(40, 1)])
      receipts.track(entry);
    expect(delivered(receipts, person(1, 5), 15)).toEqual([]);
    expect(delivered(receipts, person(2, 5), 30)).toEqual([[1, [30, 10]]]);
    expect(delivered(receipts, person(3, 5), 30)).toEqual([[2, [20]]]);
    expect(delivered(receipts, person(3, 5), 30)).toEqual([]);
    expect(delivered(receipts, person(3, 5), 99)).toEqual([[1, [40]]]);
  });

  it('are not due to accounts that joined later', () => {
    const receipts = new Receipts();
    receipts.track(roomMessage(10, 1));
    expect(delivered(receipts, person(2, 15), 20)).toEqual([]);
    expect(delivered(receipts, person(2), 20)).toEqual([]);
    expect(delivered(receipts, person(3, 5), 20)).toEqual([[1, [10]]]);
  });

  it('are not due for messages of an account to itself', () => {
    const receipts = new Receipts();
    receipts.track(directMessage(10, 1, 1));
    expect(delivered(receipts, person(1), 20)).toEqual([]);
  });

  it('are dropped, the oldest first, when there are too many', () => {
    const receipts = new Receipts();
    for (let id = 1; id <= 100_001; id += 1) receipts.track(directMessage(id, 1, 2));
    const [[author, ids] = [0, []]] = delivered(receipts, person(2), 200_000);
    expect([author, ids.at(0), ids.at(-1)]).toEqual([1, 50_002, 100_001]);
  });
});
