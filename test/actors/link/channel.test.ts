import { MessageChannel } from 'node:worker_threads';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  localChannel,
  type RegistryEnd,
  registryEnd,
  type ShardEnd,
  shardEnd,
} from '../../../src/actors/link/channel.ts';
import type { FromRegistry, ToRegistry, ToShard } from '../../../src/actors/link/messages.ts';
import type { Entry } from '../../../src/chat/entry.ts';
import { decodeBody } from '../../../src/protocol/codec.ts';
import { HEADER_BYTES } from '../../../src/protocol/vocabulary.ts';
import { until } from '../../support/process.ts';

interface Ends {
  readonly shard: ShardEnd;
  readonly registry: RegistryEnd;
}

const CHANNELS: ReadonlyArray<readonly [string, () => Ends]> = [
  ['on one thread', localChannel],
  [
    'between threads',
    () => {
      const { port1, port2 } = new MessageChannel();
      onTestFinished(() => port1.close());
      return { shard: shardEnd(port1), registry: registryEnd(port2) };
    },
  ],
];

const ID = 1_795_000_000_000_000;
const AT = 1_795_000_000_000;
const ANN = { account: 7, user: 'ann', origin: { shard: 1, number: 9 } };

function message(place: number, text: string): Entry {
  const to = { room: 3, roomName: '#ärger', text, key: place % 2 === 0 ? null : `key ${place}` };
  return { kind: 'message', id: ID + place, at: AT, ...ANN, ...to };
}

/** A delivery with its frame decoded, because it does not matter which buffer the frame is in. */
function open(item: FromRegistry): unknown {
  if (!('kind' in item)) return item;
  const { bytes, start, end, ...fields } = item;
  return { ...fields, frame: decodeBody(bytes.subarray(start + HEADER_BYTES, end)) };
}

describe.each(CHANNELS)('a channel %s', (_, connect) => {
  it('carries what a shard asks as it was, in order', async () => {
    const { shard, registry } = connect();
    const came: ToRegistry[] = [];
    registry.onBatch((batch) => came.push(...batch));
    const asked: ToRegistry[] = [
      ['announce', 3, -1, [[1, 7, 'ann', true]]],
      ['send', 4, 1, '#ärger', '€'.repeat(2_730), 'a key'],
      ['join', 5, 1, '#ärger'],
      ['handled', 12],
    ];
    for (const item of asked) shard.push(item);
    await until('all of it', () => came.length === asked.length);
    expect(came).toEqual(asked);
  });

  it('carries entries as deliveries, and everything else as it was, in order', async () => {
    const { shard, registry } = connect();
    const batches: Array<readonly FromRegistry[]> = [];
    shard.onBatch((batch) => batches.push(batch));
    const direct = { peer: 8, peerName: 'ben', text: 'psst', key: 'a key €' };
    const told: ToShard[] = [
      ['entry', 9, message(0, 'hello')],
      ['ok', 4, [['a', 1], null]],
      ['entry', 0, { kind: 'direct', id: ID + 1, at: AT - 5_000, ...ANN, ...direct }],
      ['entry', 11, { kind: 'joined', id: ID + 2, at: AT, ...ANN, room: 3, roomName: '#r' }],
      ['entry', 0, { kind: 'left', id: ID + 3, at: AT, ...ANN, room: 3, roomName: '#r' }],
      ['caught_up'],
    ];
    for (const item of told) registry.push(item);
    await until('a batch', () => batches.length > 0);
    const from = { number: 0, account: 7, key: null };
    expect(batches.map((batch) => batch.map(open))).toEqual([
      [
        {
          ...from,
          kind: 'message',
          id: ID,
          at: AT,
          number: 9,
          target: 3,
          frame: ['message', ID, AT, 'ann', '#ärger', 'hello'],
        },
        ['ok', 4, [['a', 1], null]],
        {
          ...from,
          kind: 'direct',
          id: ID + 1,
          at: AT - 5_000,
          target: 8,
          key: 'a key €',
          frame: ['message', ID + 1, AT - 5_000, 'ann', 'ben', 'psst'],
        },
        {
          ...from,
          kind: 'joined',
          id: ID + 2,
          at: AT,
          number: 11,
          target: 3,
          frame: ['joined', ID + 2, AT, '#r', 'ann'],
        },
        { ...from, kind: 'left', id: ID + 3, at: AT, target: 3, frame: ['left', ID + 3, AT, '#r', 'ann'] },
        ['caught_up'],
      ],
    ]);
  });

  it('keeps every frame as it was written, in batches of any size', async () => {
    const { shard, registry } = connect();
    const came: FromRegistry[] = [];
    shard.onBatch((batch) => came.push(...batch));
    const texts = Array.from({ length: 400 }, (_, n) => `${n} ${'€'.repeat((n * 37) % 2_700)}`);
    for (const [place, text] of texts.entries()) {
      registry.push(['entry', 0, message(place, text)]);
      if (place % 90 === 0) await new Promise(setImmediate);
    }
    await until('all of them', () => came.length === texts.length);
    expect(came.map(open)).toMatchObject(texts.map((text) => ({ frame: { 5: text } })));
  });

  it('puts the frames of a batch side by side: whoever gets them all has one piece to write', async () => {
    const { shard, registry } = connect();
    const batches: Array<readonly FromRegistry[]> = [];
    shard.onBatch((batch) => batches.push(batch));
    for (let place = 0; place < 3; place += 1) registry.push(['entry', 0, message(place, 'short')]);
    await until('a batch', () => batches.length > 0);
    const [one, two, three] = (batches[0] ?? []).filter((item) => 'kind' in item);
    expect([two?.bytes, three?.bytes]).toEqual([one?.bytes, one?.bytes]);
    expect([two?.start, three?.start]).toEqual([one?.end, two?.end]);
  });

  it('holds no more memory than a batch needs: whoever keeps a frame does not keep those of earlier batches', async () => {
    const { shard, registry } = connect();
    const came: FromRegistry[] = [];
    shard.onBatch((batch) => came.push(...batch));
    for (let place = 0; place < 50; place += 1) {
      registry.push(['entry', 0, message(place, 'short')]);
      while (came.length <= place) await new Promise(setImmediate);
    }
    const sizes = came.map((item) => ('kind' in item ? item.bytes.buffer.byteLength : 0));
    expect(Math.max(...sizes)).toBeLessThanOrEqual(1_024);
  });
});
