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
import { decodeBody } from '../../../src/protocol/codec.ts';
import { HEADER_BYTES } from '../../../src/protocol/vocabulary.ts';
import { until } from '../../support/process.ts';

/** Sends the items as one batch; returns what comes out at the other end. */
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

it('carries what shards ask as it was, in order', async () => {
  const asked: ToRegistry[] = [
    ['announce', 3, -1, [[1, 7, 'ann', true]]],
    ['send', 2 ** 40, 5, '#r', 'hello', null],
    ['join', 2 ** 40 + 1, 5, '#ärger'],
    ['send', 2 ** 40 + 2, 5, 'ben', LONG, 'a key €'],
    ['handled', 12],
  ];
  expect(await cross(asked, writeToRegistry, readToRegistry)).toEqual(asked);
});

it('carries a batch that is far longer than the ones before', async () => {
  const asked = Array.from({ length: 2_000 }, (_, n): ToRegistry => ['send', n, 1, 'ben', LONG, null]);
  expect(await cross(asked, writeToRegistry, readToRegistry)).toEqual(asked);
});

it('carries entries as the frames of their events, and all else as it was, in order', async () => {
  const id = 1_795_000_000_000_000;
  const at = 1_795_000_000_000;
  const told: ToShard[] = [
    ['message', id, at, 9, 7, 'ann', 3, '#r', LONG, null],
    ['ok', 4, [['a', 1], null]],
    ['direct', id + 1, at - 5_000, 0, 7, 'ann', 8, 'ben', 'psst', 'a key €'],
    ['joined', id + 2, at, 11, 8, 'ben', 3, '#r'],
    ['left', id + 3, at, 0, 8, 'ben', 3, '#r'],
    ['caught_up'],
  ];
  const came = await cross(told, writeToShard, readToShard);
  const opened = came.map((item) => {
    if (item[0] !== 'message' && item[0] !== 'direct' && item[0] !== 'joined' && item[0] !== 'left')
      return item;
    const [kind, entry, time, number, account, target, key, bytes, start, end] = item;
    return [
      kind,
      entry,
      time,
      number,
      account,
      target,
      key,
      decodeBody(bytes.subarray(start + HEADER_BYTES, end)),
    ];
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

it('hands over no more memory than what is said takes, twice at most', async () => {
  const text = 'a'.repeat(8_000);
  const [said] = await cross(
    [
      ['message', 1_795_000_000_000_000, 1_795_000_000_000, 0, 7, 'ann', 3, '#r', text, null],
    ] satisfies ToShard[],
    writeToShard,
    readToShard,
  );
  if (said?.[0] !== 'message') expect.fail('a message');
  const [, , , , , , , bytes, start, end] = said;
  expect(end - start).toBeGreaterThan(text.length);
  expect(bytes.buffer.byteLength).toBeLessThanOrEqual(2 * (end - start));
});
