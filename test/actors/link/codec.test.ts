import { MessageChannel } from 'node:worker_threads';
import { expect, it, onTestFinished } from 'vitest';
import {
  BatchPort,
  type BatchReader,
  type BatchWriter,
  takeBatches,
} from '../../../src/actors/kernel/batch.ts';
import {
  readToRegistry,
  readToShard,
  writeToRegistry,
  writeToShard,
} from '../../../src/actors/link/codec.ts';
import type { ToRegistry, ToShard } from '../../../src/actors/link/messages.ts';
import type { Entry } from '../../../src/chat/entry.ts';
import { decodeBody } from '../../../src/protocol/codec.ts';
import { HEADER_BYTES } from '../../../src/protocol/vocabulary.ts';
import { until } from '../../support/process.ts';

/** Sends the items as one batch, and returns what the other end receives. */
async function cross<In, Out>(
  items: readonly In[],
  write: (out: BatchWriter, item: In) => void,
  read: (batch: BatchReader) => Out,
): Promise<readonly Out[]> {
  const { port1, port2 } = new MessageChannel();
  onTestFinished(() => port1.close());
  const batches: Array<readonly Out[]> = [];
  takeBatches(port2, read, (batch) => batches.push(batch));
  const port = new BatchPort(port1, write);
  for (const item of items) port.push(item);
  const [batch] = await until('the batch', () => (batches.length > 0 ? batches : undefined));
  expect(batches).toHaveLength(1);
  return batch ?? [];
}

const LONG = '€'.repeat(2_730);

it('carries commands unchanged and in order', async () => {
  const commands: ToRegistry[] = [
    ['announce', 3, -1, [[1, 7, 'ann', true]]],
    ['send', 2 ** 40, 5, '#r', 'hello', null],
    ['join', 2 ** 40 + 1, 5, '#ärger'],
    ['send', 2 ** 40 + 2, 5, 'ben', LONG, 'a key €'],
    ['handled', 12],
  ];
  expect(await cross(commands, writeToRegistry, readToRegistry)).toEqual(commands);
});

it('carries a batch that is far longer than the batches before', async () => {
  const commands = Array.from({ length: 2_000 }, (_, n): ToRegistry => ['send', n, 1, 'ben', LONG, null]);
  expect(await cross(commands, writeToRegistry, readToRegistry)).toEqual(commands);
});

it('carries entries as the frames of their events, and all other items unchanged, in order', async () => {
  const id = 1_795_000_000_000_000;
  const at = 1_795_000_000_000;
  const ann = { account: 7, user: 'ann', origin: null };
  const ben = { account: 8, user: 'ben', origin: { shard: 1, number: 11 } };
  const toRoom = { room: 3, roomName: '#r', text: LONG, key: null };
  const toBen = { peer: 8, peerName: 'ben', text: 'psst', key: 'a key €' };
  const sent: ToShard[] = [
    ['entry', 9, { kind: 'message', id, at, ...ann, ...toRoom }],
    ['ok', 4, [['a', 1], null]],
    ['entry', 0, { kind: 'direct', id: id + 1, at: at - 5_000, ...ann, ...toBen }],
    ['entry', 11, { kind: 'joined', id: id + 2, at, ...ben, room: 3, roomName: '#r' }],
    ['entry', 0, { kind: 'left', id: id + 3, at, ...ben, room: 3, roomName: '#r' }],
    ['caught_up'],
  ];
  const received = await cross(sent, writeToShard, readToShard);
  const opened = received.map((item) => {
    if (!('kind' in item)) return item;
    const { bytes, start, end, ...fields } = item;
    return [...Object.values(fields), decodeBody(bytes.subarray(start + HEADER_BYTES, end))];
  });
  expect(opened).toEqual([
    ['message', id, at, 9, 7, 3, null, ['message', id, at, 'ann', '#r', LONG]],
    ['ok', 4, [['a', 1], null]],
    ['direct', id + 1, at - 5_000, 0, 7, 8, 'a key €', ['message', id + 1, at - 5_000, 'ann', 'ben', 'psst']],
    ['joined', id + 2, at, 11, 8, 3, null, ['joined', id + 2, at, '#r', 'ben']],
    ['left', id + 3, at, 0, 8, 3, null, ['left', id + 3, at, '#r', 'ben']],
    ['caught_up'],
  ]);
});

it('passes at most twice as much memory as the text needs', async () => {
  const text = 'a'.repeat(8_000);
  const entry: Entry = {
    kind: 'message',
    id: 1_795_000_000_000_000,
    at: 1_795_000_000_000,
    account: 7,
    user: 'ann',
    origin: null,
    room: 3,
    roomName: '#r',
    text,
    key: null,
  };
  const [delivery] = await cross([['entry', 0, entry]] satisfies ToShard[], writeToShard, readToShard);
  if (delivery === undefined || !('kind' in delivery)) expect.fail('a delivery');
  const { bytes, start, end } = delivery;
  expect(end - start).toBeGreaterThan(text.length);
  expect(bytes.buffer.byteLength).toBeLessThanOrEqual(2 * (end - start));
});
