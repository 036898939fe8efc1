import { MessageChannel } from 'node:worker_threads';
import { afterEach, expect, it } from 'vitest';
import { ReaderLink, type ToReader } from '../../../src/client/reader/reader-link.ts';
import { until } from '../../support/process.ts';

const LIMIT = 1024 * 1024;
const ends: Array<() => void> = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

/** A reader link, a source that can be paused, and the reader's end of the channel. */
function start() {
  const { port1, port2 } = new MessageChannel();
  const received: ToReader[] = [];
  port2.on('message', (message: ToReader) => received.push(message));
  const readerLink = new ReaderLink(port1, () => {});
  const source = {
    isPaused: false,
    pause() {
      this.isPaused = true;
    },
    resume() {
      this.isPaused = false;
    },
  };
  readerLink.begin(1, 'alice', source);
  ends.push(() => port1.close());
  const written = (bytes: number, id: number | null = null): void =>
    port2.postMessage({ type: 'written', bytes, records: 0, id });
  return { readerLink, source, received, reader: port2, written };
}

it('transfers bytes in order, without a copy if possible', async () => {
  const { readerLink, received } = start();
  const whole = Buffer.from(new Uint8Array([1, 2, 3]).buffer);
  readerLink.push(whole);
  expect(whole.length).toBe(0);
  // A slice of a larger buffer, as Node's pool returns: the bytes around it must stay.
  const part = Buffer.from('pooled');
  readerLink.push(part);
  expect(part.toString()).toBe('pooled');
  readerLink.end(1);
  await until('the end', () => received.some(({ type }) => type === 'end'));
  expect(received.map((message) => (message.type === 'bytes' ? [...message.bytes] : message.type))).toEqual([
    'begin',
    [1, 2, 3],
    [...Buffer.from('pooled')],
    'end',
  ]);
});

it('pauses the source above its limit, and resumes it below half', async () => {
  const { readerLink, source, written } = start();
  readerLink.push(Buffer.alloc(LIMIT - 1));
  expect(source.isPaused).toBe(false);
  readerLink.push(Buffer.alloc(2));
  expect(source.isPaused).toBe(true);
  expect(readerLink.isPaused).toBe(true);
  written(LIMIT / 2, 5);
  await until('the cursor', () => readerLink.cursor === 5);
  expect(source.isPaused).toBe(true);
  written(2, 6);
  await until('the source to go on', () => !source.isPaused);
  expect(readerLink.cursor).toBe(6);
});

it('pauses the source as long as there is any reason', () => {
  const { readerLink, source } = start();
  readerLink.hold('display');
  readerLink.hold('output');
  readerLink.release('display');
  expect(source.isPaused).toBe(true);
  readerLink.release('output');
  expect(source.isPaused).toBe(false);
});

it('pauses the next source too while the display is slow', () => {
  const { readerLink, source } = start();
  readerLink.push(Buffer.alloc(LIMIT));
  source.isPaused = false;
  readerLink.begin(2, 'alice', source);
  expect(source.isPaused).toBe(true);
});

it('is full with 4000 unwritten records', async () => {
  const { readerLink, reader } = start();
  for (let i = 0; i < 4_000; i += 1) {
    expect(readerLink.isFull).toBe(false);
    readerLink.show({ type: 'notice', level: 'info', at: i, text: 'x' });
  }
  expect(readerLink.isFull).toBe(true);
  reader.postMessage({ type: 'written', bytes: 0, records: 1, id: null });
  await until('room', () => !readerLink.isFull);
});

it('closes after everything shown is written, and does not wait for a dead reader', async () => {
  const { readerLink, reader } = start();
  const order: string[] = [];
  reader.on('message', ({ type }: ToReader) => {
    order.push(type);
    if (type === 'close') reader.postMessage({ type: 'closed' });
  });
  readerLink.show({ type: 'notice', level: 'info', at: 1, text: 'last words' });
  await readerLink.close(10_000);
  expect(order).toEqual(['begin', 'records', 'close']);
  const dead = start();
  dead.reader.close();
  await dead.readerLink.close(10_000);
});
