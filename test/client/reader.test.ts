import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { openDisplay } from '../../src/client/display/opening.ts';
import { Reader } from '../../src/client/reader.ts';
import type { FromReader } from '../../src/client/reader-link.ts';
import { Recorder } from '../../src/client/recorder.ts';
import { encodeFrame } from '../../src/transport/codec.ts';
import { testFolder } from '../support/folder.ts';
import { until } from '../support/process.ts';

const folder = testFolder();
let displays = 0;

async function startReader({ allEvents = false } = {}) {
  displays += 1;
  const file = join(folder, `display-${displays}.html`);
  const opened = await openDisplay(file, { title: 'alice' });
  if (opened.type === 'refused') throw new Error(opened.text);
  const posted: FromReader[] = [];
  const post = (message: FromReader): void => void posted.push(message);
  const recorder = new Recorder((trouble) => post({ type: 'trouble', trouble }));
  recorder.open(opened.display);
  onTestFinished(() => recorder.close());
  const reader = new Reader({ allEvents, post, recorder });
  reader.receive({ type: 'begin', connection: 1, user: 'alice' });
  const frames = () => posted.flatMap((message) => (message.type === 'frames' ? [message] : []));
  const written = () => posted.flatMap((message) => (message.type === 'written' ? [message] : []));
  return { reader, recorder, file, posted, frames, written, page: () => readFileSync(file, 'utf8') };
}

const STREAM = Buffer.concat(
  [
    ['ok', 1, { user: 'alice', rooms: [] }],
    ['live', 10],
    ['message', 11, 1_000, 'bob', '#tea', 'first <i>'],
    ['typing', 'bob'],
    ['message', 12, 2_000, 'ALICE', '#tea', 'from my telephone'],
    ['joined', 13, 3_000, '#tea', 'carol'],
    ['error', 2, 'busy', 'later'],
    ['message', 14, 4_000, 'bob', 'alice', 'x'.repeat(8_192)],
    ['bye', 'shutdown', 'the server is shutting down', 500],
  ].map(encodeFrame),
);

/** The bytes in chunks of a size. */
function* chunks(size: number) {
  for (let at = 0; at < STREAM.length; at += size) yield new Uint8Array(STREAM.subarray(at, at + size));
}

it.each([1, 7, 8, 100, STREAM.length])('reads a stream in chunks of %i bytes', async (size) => {
  const { reader, frames, written, page } = await startReader();
  for (const bytes of chunks(size)) reader.receive({ type: 'bytes', bytes });
  await until('all to be written', () => written().some(({ id }) => id === 14));
  expect(frames().flatMap(({ answers }) => answers)).toEqual([
    { type: 'ok', requestId: 1, result: { user: 'alice', rooms: [] } },
    { type: 'error', requestId: 2, code: 'busy', text: 'later' },
  ]);
  expect(frames().flatMap(({ events }) => events.map(([name]) => name))).toEqual(['live', 'bye']);
  expect(frames().flatMap(({ names }) => names)).toEqual(
    ['bob', '#tea', 'ALICE', 'carol', 'alice'].slice(0, 4),
  );
  await until('every byte', () => written().reduce((sum, { bytes }) => sum + bytes, 0) === STREAM.length);
  expect(page()).toContain('first &lt;i&gt;');
  expect(page()).toMatch(/own"[^>]*data-id="12"/);
  expect(page()).toContain('x'.repeat(8_192));
});

it('tells every event when asked to', async () => {
  const { reader, frames } = await startReader({ allEvents: true });
  reader.receive({ type: 'bytes', bytes: new Uint8Array(STREAM) });
  expect(frames().flatMap(({ events }) => events.map(([name]) => name))).toEqual([
    'live',
    'message',
    'message',
    'joined',
    'message',
    'bye',
  ]);
});

it('reports an id only when it is in the file', async () => {
  const { reader, written, page } = await startReader();
  for (const bytes of chunks(64)) {
    reader.receive({ type: 'bytes', bytes });
    await new Promise(setImmediate);
    const last = written().findLast(({ id }) => id !== null)?.id;
    if (last !== undefined) expect(page()).toContain(`data-id="${last}"`);
  }
});

it.each([
  ['a bad header', Buffer.from('hello   there')],
  ['a frame that is too large', Buffer.from('999999  ')],
  ['a body that is not MessagePack', Buffer.from('3       abc')],
  ['an event of the wrong form', encodeFrame(['message', 'id', 1, 'bob', '#tea', 'x'])],
])('ends a connection at %s, and reads the next one', async (_name, bytes) => {
  const { reader, posted, page } = await startReader();
  reader.receive({ type: 'bytes', bytes: new Uint8Array(Buffer.concat([bytes, STREAM])) });
  expect(posted.filter(({ type }) => type === 'untrusted')).toHaveLength(1);
  reader.receive({ type: 'bytes', bytes: new Uint8Array(STREAM) });
  reader.receive({ type: 'end', connection: 1 });
  expect(posted.filter(({ type }) => type === 'frames')).toEqual([]);
  expect(posted.at(-1)).toEqual({ type: 'ended', connection: 1 });
  reader.receive({ type: 'begin', connection: 2, user: 'alice' });
  reader.receive({ type: 'bytes', bytes: new Uint8Array(STREAM) });
  await until('the next connection', () => page().includes('first &lt;i&gt;'));
  expect(posted).toContainEqual(expect.objectContaining({ type: 'frames', connection: 2 }));
});

it('writes own records in their order, and what is outstanding when it closes', async () => {
  const { reader, posted, page } = await startReader();
  for (let i = 0; i < 500; i += 1) {
    reader.receive({
      type: 'records',
      records: [{ type: 'notice', level: 'info', at: i, text: `notice ${i}.` }],
    });
  }
  reader.receive({ type: 'close' });
  await until('the end', () => posted.some(({ type }) => type === 'closed'));
  const shown = [...page().matchAll(/notice (\d+)\./g)].map(([, number]) => Number(number));
  expect(shown).toEqual(Array.from({ length: 500 }, (_, i) => i));
});

it('says once that the display is gone', async () => {
  const { reader, file, posted } = await startReader();
  rmSync(file);
  for (const bytes of chunks(500)) reader.receive({ type: 'bytes', bytes });
  await until('the trouble', () => posted.some(({ type }) => type === 'trouble'));
  reader.receive({ type: 'records', records: [{ type: 'notice', level: 'info', at: 1, text: 'more' }] });
  await new Promise(setImmediate);
  expect(posted.filter(({ type }) => type === 'trouble')).toEqual([
    { type: 'trouble', trouble: { type: 'lost', text: expect.stringContaining(file) } },
  ]);
});

it('watches for text in events', async () => {
  const { reader, posted } = await startReader();
  const matches = () => posted.filter(({ type }) => type === 'matched').length;
  reader.receive({ type: 'watch', text: '#tea bob: first' });
  for (const bytes of chunks(50)) reader.receive({ type: 'bytes', bytes });
  expect(matches()).toBe(1);
  reader.receive({ type: 'watch', text: 'carol joined #tea' });
  expect(matches()).toBe(2);
});
