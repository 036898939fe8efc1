import { beforeEach, describe, expect, it } from 'vitest';
import type { Delivery } from '../../../src/actors/link/messages.ts';
import { Fanout, type Recipient } from '../../../src/actors/shard/fanout.ts';
import { decodeBody, encodeFrame } from '../../../src/protocol/codec.ts';
import { HEADER_BYTES } from '../../../src/protocol/vocabulary.ts';

const TEA = 100;
const COFFEE = 200;
const [ANN, BEN, CAT] = [1, 2, 3];

/** A connection that records the frames it receives. */
class RecordingClient implements Recipient {
  readonly account: number;
  readonly received: Array<{ readonly bytes: Buffer; readonly start: number; readonly end: number }> = [];

  constructor(account: number) {
    this.account = account;
  }

  push(bytes: Buffer, start = 0, end = bytes.length): void {
    this.received.push({ bytes, start, end });
  }

  /** The events received since the last call. */
  take(): unknown[] {
    return this.received
      .splice(0)
      .map(({ bytes, start, end }) => decodeBody(bytes.subarray(start + HEADER_BYTES, end)));
  }
}

/** A delivery as in a batch: its frame is a part of a larger block. */
function delivery(fields: Partial<Delivery> & Pick<Delivery, 'kind' | 'target'>): Delivery {
  const { kind, id = 1_000, account = ANN, target } = fields;
  const isChange = kind === 'joined' || kind === 'left';
  const frame = encodeFrame(
    isChange ? [kind, id, 1, '#tea', 'ann'] : ['message', id, 1, 'ann', `to ${target}`, 'hello'],
  );
  const bytes = Buffer.concat([Buffer.alloc(4), frame, Buffer.from('the next frame')]);
  return { id, at: 1, number: 0, account, key: null, bytes, start: 4, end: 4 + frame.length, ...fields };
}

const messageTo = (target: number): unknown[] => ['message', 1_000, 1, 'ann', `to ${target}`, 'hello'];

let fanout: Fanout;
let ann: RecordingClient;
let annElsewhere: RecordingClient;
let ben: RecordingClient;
let cat: RecordingClient;
const all = (): unknown[][] => [ann, annElsewhere, ben, cat].map((one) => one.take());

beforeEach(() => {
  fanout = new Fanout();
  ann = new RecordingClient(ANN);
  annElsewhere = new RecordingClient(ANN);
  ben = new RecordingClient(BEN);
  cat = new RecordingClient(CAT);
  fanout.attach(ann, [TEA]);
  fanout.attach(annElsewhere, [TEA]);
  fanout.attach(ben, [TEA, COFFEE]);
  fanout.attach(cat, [COFFEE]);
});

describe('a message to a room', () => {
  it('goes to all members on this shard except the sending connection, in the bytes of the batch', () => {
    const message = delivery({ kind: 'message', target: TEA });
    fanout.message(message, ann);
    for (const member of [annElsewhere, ben]) {
      expect(member.received).toEqual([{ bytes: message.bytes, start: message.start, end: message.end }]);
      expect(member.received[0]?.bytes === message.bytes).toBe(true);
    }
    expect(all()).toEqual([[], [messageTo(TEA)], [messageTo(TEA)], []]);
  });

  it('goes to all members if it was sent on another shard, and to nobody if the room has none here', () => {
    fanout.message(delivery({ kind: 'message', target: TEA }), undefined);
    expect(all().map((events) => events.length)).toEqual([1, 1, 1, 0]);
    fanout.message(delivery({ kind: 'message', target: 300 }), undefined);
    expect(all().flat()).toEqual([]);
  });

  it('shows its key to the other connections of its author, and to nobody else', () => {
    fanout.message(delivery({ kind: 'message', target: TEA, key: 'key' }), ann);
    expect(all()).toEqual([[], [[...messageTo(TEA), 'key']], [messageTo(TEA)], []]);
  });
});

describe('a direct message', () => {
  it('goes to the connections of both accounts except the sending one', () => {
    fanout.direct(delivery({ kind: 'direct', target: CAT, key: 'key' }), annElsewhere);
    expect(all()).toEqual([[[...messageTo(CAT), 'key']], [], [], [messageTo(CAT)]]);
  });

  it('to oneself arrives once', () => {
    fanout.direct(delivery({ kind: 'direct', target: ANN }), ann);
    expect(all()).toEqual([[], [messageTo(ANN)], [], []]);
  });
});

describe('membership', () => {
  it('sends a join to all members and the other connections of the new one, which receive messages from then on', () => {
    fanout.membership(delivery({ kind: 'joined', account: CAT, target: TEA }), cat);
    expect(all().map((events) => events.length)).toEqual([1, 1, 1, 0]);
    fanout.message(delivery({ kind: 'message', target: TEA }), ann);
    expect(cat.take()).toEqual([messageTo(TEA)]);
  });

  it('sends a leave to all members and the other connections of the former one, which receive no more messages', () => {
    fanout.membership(delivery({ kind: 'left', account: ANN, target: TEA }), ann);
    expect(all().map((events) => events.length)).toEqual([0, 1, 1, 0]);
    fanout.message(delivery({ kind: 'message', target: TEA }), undefined);
    expect(all().map((events) => events.length)).toEqual([0, 0, 1, 0]);
  });

  it('sends nothing to a detached connection, but to the other connections of its account', () => {
    expect(fanout.has(ann)).toBe(true);
    fanout.detach(ann);
    fanout.detach(ann);
    expect([fanout.has(ann), fanout.has(annElsewhere)]).toEqual([false, true]);
    fanout.message(delivery({ kind: 'message', target: TEA }), undefined);
    fanout.direct(delivery({ kind: 'direct', account: BEN, target: ANN }), undefined);
    expect(all().map((events) => events.length)).toEqual([0, 2, 2, 0]);
    // A join on another connection does not add the detached one again.
    fanout.membership(delivery({ kind: 'joined', account: ANN, target: COFFEE }), undefined);
    fanout.message(delivery({ kind: 'message', target: COFFEE }), undefined);
    expect(ann.take()).toEqual([]);
  });

  it('delivers a message to all others if one connection is detached meanwhile', () => {
    const leaving = new RecordingClient(9);
    leaving.push = () => fanout.detach(leaving);
    const last = new RecordingClient(10);
    fanout.attach(leaving, [TEA]);
    fanout.attach(last, [TEA]);
    fanout.message(delivery({ kind: 'message', target: TEA }), undefined);
    expect([...all(), last.take()].map((events) => events.length)).toEqual([1, 1, 1, 0, 1]);
  });
});

describe('the fan-out', () => {
  it('sends presence once to each connection in a room of the account, except its own', () => {
    fanout.presence(['presence', ANN, 'ann', true, [TEA, COFFEE]]);
    expect(all()).toEqual([[], [], [['online', 'ann']], [['online', 'ann']]]);
    fanout.presence(['presence', CAT, 'cat', false, [COFFEE]]);
    expect(all()).toEqual([[], [], [['offline', 'cat']], []]);
  });

  it('sends receipts to each connection of the author', () => {
    fanout.delivered(ANN, [1, 2]);
    fanout.delivered(4, [3]);
    const both = [
      ['delivered', 1],
      ['delivered', 2],
    ];
    expect(all()).toEqual([both, both, [], []]);
  });
});
