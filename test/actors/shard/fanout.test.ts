import { beforeEach, describe, expect, it } from 'vitest';
import type { Delivery } from '../../../src/actors/link/messages.ts';
import { Fanout, type Recipient } from '../../../src/actors/shard/fanout.ts';
import { decodeBody, encodeFrame } from '../../../src/protocol/codec.ts';
import { HEADER_BYTES } from '../../../src/protocol/vocabulary.ts';

const TEA = 100;
const COFFEE = 200;
const [ANN, BEN, CAT] = [1, 2, 3];

/** A connection that notes what it is given. */
class Notes implements Recipient {
  readonly account: number;
  readonly given: Array<{ readonly bytes: Buffer; readonly start: number; readonly end: number }> = [];

  constructor(account: number) {
    this.account = account;
  }

  push(bytes: Buffer, start = 0, end = bytes.length): void {
    this.given.push({ bytes, start, end });
  }

  /** What it has been given since the last call, as events. */
  take(): unknown[] {
    return this.given
      .splice(0)
      .map(({ bytes, start, end }) => decodeBody(bytes.subarray(start + HEADER_BYTES, end)));
  }
}

/** A delivery as it comes in a batch: its frame is somewhere in a larger block. */
function delivery(fields: Partial<Delivery> & Pick<Delivery, 'kind' | 'target'>): Delivery {
  const { kind, id = 1_000, account = ANN, target } = fields;
  const isChange = kind === 'joined' || kind === 'left';
  const frame = encodeFrame(
    isChange ? [kind, id, 1, '#tea', 'ann'] : ['message', id, 1, 'ann', `to ${target}`, 'hello'],
  );
  const bytes = Buffer.concat([Buffer.alloc(4), frame, Buffer.from('what comes next')]);
  return { id, at: 1, number: 0, account, key: null, bytes, start: 4, end: 4 + frame.length, ...fields };
}

const said = (target: number): unknown[] => ['message', 1_000, 1, 'ann', `to ${target}`, 'hello'];

let fanout: Fanout;
let ann: Notes;
let annElsewhere: Notes;
let ben: Notes;
let cat: Notes;
const all = (): unknown[][] => [ann, annElsewhere, ben, cat].map((one) => one.take());

beforeEach(() => {
  fanout = new Fanout();
  ann = new Notes(ANN);
  annElsewhere = new Notes(ANN);
  ben = new Notes(BEN);
  cat = new Notes(CAT);
  fanout.attach(ann, [TEA]);
  fanout.attach(annElsewhere, [TEA]);
  fanout.attach(ben, [TEA, COFFEE]);
  fanout.attach(cat, [COFFEE]);
});

describe('a message to a room', () => {
  it('goes to all of its members here but the connection that sent it, as the very bytes of the batch', () => {
    const message = delivery({ kind: 'message', target: TEA });
    fanout.message(message, ann);
    for (const member of [annElsewhere, ben]) {
      expect(member.given).toEqual([{ bytes: message.bytes, start: message.start, end: message.end }]);
      expect(member.given[0]?.bytes === message.bytes).toBe(true);
    }
    expect(all()).toEqual([[], [said(TEA)], [said(TEA)], []]);
  });

  it('goes to all members if it was sent elsewhere, and to nobody if the room has none here', () => {
    fanout.message(delivery({ kind: 'message', target: TEA }), undefined);
    expect(all().map((given) => given.length)).toEqual([1, 1, 1, 0]);
    fanout.message(delivery({ kind: 'message', target: 300 }), undefined);
    expect(all().flat()).toEqual([]);
  });

  it('tells its key to the other connections of its author, and to nobody else', () => {
    fanout.message(delivery({ kind: 'message', target: TEA, key: 'key' }), ann);
    expect(all()).toEqual([[], [[...said(TEA), 'key']], [said(TEA)], []]);
  });
});

describe('a direct message', () => {
  it('goes to the connections of both accounts, but not to the one that sent it', () => {
    fanout.direct(delivery({ kind: 'direct', target: CAT, key: 'key' }), annElsewhere);
    expect(all()).toEqual([[[...said(CAT), 'key']], [], [], [said(CAT)]]);
  });

  it('to oneself comes once', () => {
    fanout.direct(delivery({ kind: 'direct', target: ANN }), ann);
    expect(all()).toEqual([[], [said(ANN)], [], []]);
  });
});

describe('members come and go', () => {
  it('a join is told to all, also to the other connections of whoever joins, and counts from then on', () => {
    fanout.change(delivery({ kind: 'joined', account: CAT, target: TEA }), cat);
    expect(all().map((given) => given.length)).toEqual([1, 1, 1, 0]);
    fanout.message(delivery({ kind: 'message', target: TEA }), ann);
    expect(cat.take()).toEqual([said(TEA)]);
  });

  it('a leave is told to all, also to the other connections of whoever leaves, and counts from then on', () => {
    fanout.change(delivery({ kind: 'left', account: ANN, target: TEA }), ann);
    expect(all().map((given) => given.length)).toEqual([0, 1, 1, 0]);
    fanout.message(delivery({ kind: 'message', target: TEA }), undefined);
    expect(all().map((given) => given.length)).toEqual([0, 0, 1, 0]);
  });

  it('a connection that is taken out gets nothing more; the others of its account do', () => {
    expect(fanout.has(ann)).toBe(true);
    fanout.detach(ann);
    fanout.detach(ann);
    expect([fanout.has(ann), fanout.has(annElsewhere)]).toEqual([false, true]);
    fanout.message(delivery({ kind: 'message', target: TEA }), undefined);
    fanout.direct(delivery({ kind: 'direct', account: BEN, target: ANN }), undefined);
    expect(all().map((given) => given.length)).toEqual([0, 2, 2, 0]);
    // Who joins on another connection is not entered again by that.
    fanout.change(delivery({ kind: 'joined', account: ANN, target: COFFEE }), undefined);
    fanout.message(delivery({ kind: 'message', target: COFFEE }), undefined);
    expect(ann.take()).toEqual([]);
  });

  it('a connection that is taken out during a message does not keep the others from it', () => {
    const leaving = new Notes(9);
    leaving.push = () => fanout.detach(leaving);
    const last = new Notes(10);
    fanout.attach(leaving, [TEA]);
    fanout.attach(last, [TEA]);
    fanout.message(delivery({ kind: 'message', target: TEA }), undefined);
    expect([...all(), last.take()].map((given) => given.length)).toEqual([1, 1, 1, 0, 1]);
  });
});

describe('what is told of others', () => {
  it('presence comes once to each connection that shares a room with the account, and not to its own', () => {
    fanout.presence(['presence', ANN, 'ann', true, [TEA, COFFEE]]);
    expect(all()).toEqual([[], [], [['online', 'ann']], [['online', 'ann']]]);
    fanout.presence(['presence', CAT, 'cat', false, [COFFEE]]);
    expect(all()).toEqual([[], [], [['offline', 'cat']], []]);
  });

  it('that messages were delivered comes to each connection of their author', () => {
    fanout.delivered(ANN, [1, 2]);
    fanout.delivered(4, [3]);
    const both = [
      ['delivered', 1],
      ['delivered', 2],
    ];
    expect(all()).toEqual([both, both, [], []]);
  });
});
