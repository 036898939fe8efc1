import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openDisplay } from '../../../src/client/display/open-display.ts';
import { DisplayQueue } from '../../../src/client/reader/display-queue.ts';
import { Reader } from '../../../src/client/reader/reader.ts';
import type { FromReader } from '../../../src/client/reader/reader-link.ts';
import { encodeFrame } from '../../../src/protocol/codec.ts';
import { testFolder } from '../../support/folder.ts';
import { until } from '../../support/process.ts';

const folder = testFolder();
let displays = 0;

async function startReader({ allEvents = false } = {}) {
  displays += 1;
  const file = join(folder, `display-${displays}.html`);
  const opened = await openDisplay(file, { title: 'alice' });
  if (opened.type === 'refused') throw new Error(opened.text);
  const posted: FromReader[] = [];
  const post = (message: FromReader): void => void posted.push(message);
  const displayQueue = new DisplayQueue((status) => post({ type: 'display_status', status }));
  displayQueue.open(opened.display, () => openDisplay(file, { title: 'alice', keep: true }));
  onTestFinished(async () => void (await displayQueue.close()));
  const reader = new Reader({ allEvents, post, displayQueue });
  reader.receive({ type: 'begin', connection: 1, user: 'alice' });
  const frames = () => posted.flatMap((message) => (message.type === 'frames' ? [message] : []));
  const written = () => posted.flatMap((message) => (message.type === 'written' ? [message] : []));
  return { reader, displayQueue, file, posted, frames, written, page: () => readFileSync(file, 'utf8') };
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

/** Splits the bytes into chunks of a size. */
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

it('reports every event if configured to', async () => {
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
    // The id in `live` is not an entry.
    if (typeof last === 'number' && last > 10) expect(page()).toContain(`data-id="${last}"`);
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
  expect(posted.filter(({ type }) => type === 'protocol_error')).toHaveLength(1);
  reader.receive({ type: 'bytes', bytes: new Uint8Array(STREAM) });
  reader.receive({ type: 'end', connection: 1 });
  expect(posted.filter(({ type }) => type === 'frames')).toEqual([]);
  expect(posted.at(-1)).toEqual({ type: 'ended', connection: 1, resumeAfter: 0 });
  reader.receive({ type: 'begin', connection: 2, user: 'alice' });
  reader.receive({ type: 'bytes', bytes: new Uint8Array(STREAM) });
  await until('the next connection', () => page().includes('first &lt;i&gt;'));
  expect(posted).toContainEqual(expect.objectContaining({ type: 'frames', connection: 2 }));
});

it('writes own records in order, and outstanding ones when it closes', async () => {
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

it('continues in a new page when the display is gone, and says so once', async () => {
  const { reader, file, posted, page } = await startReader();
  rmSync(file);
  for (const bytes of chunks(500)) reader.receive({ type: 'bytes', bytes });
  reader.receive({ type: 'records', records: [{ type: 'notice', level: 'info', at: 1, text: 'more' }] });
  await until('the fresh page', () => existsSync(file) && page().includes('more'));
  expect(posted.filter(({ type }) => type === 'display_status')).toEqual([
    { type: 'display_status', status: { type: 'recovered', text: expect.stringContaining('a new page') } },
  ]);
  // From now on the new page has everything, and `/history` starts below it.
  reader.receive({ type: 'floor', conversation: '#tea' });
  await until('the floor', () => posted.some(({ type }) => type === 'floor'));
  expect(posted.find(({ type }) => type === 'floor')).toEqual({ type: 'floor', id: 11 });
});

it('waits for text in events', async () => {
  const { reader, posted } = await startReader();
  const matches = () => posted.filter(({ type }) => type === 'matched').length;
  reader.receive({ type: 'wait_for', text: '#tea bob: first' });
  for (const bytes of chunks(50)) reader.receive({ type: 'bytes', bytes });
  expect(matches()).toBe(1);
  reader.receive({ type: 'wait_for', text: 'carol joined #tea' });
  expect(matches()).toBe(2);
});

describe('entries of the log', () => {
  const ok = (requestId: number, ...result: unknown[]): readonly unknown[] => ['ok', requestId, result];
  const says = (id: number, text: string, from = 'bob', ...key: string[]): readonly unknown[] => {
    return ['message', id, id, from, '#tea', text, ...key];
  };
  const feed = (reader: Reader, ...frames: Array<readonly unknown[]>): void => {
    reader.receive({ type: 'bytes', bytes: new Uint8Array(Buffer.concat(frames.map(encodeFrame))) });
  };
  /** An own message as typed: pending until request `requestId` is answered. */
  const type = (reader: Reader, requestId: number, tag: string): void => {
    const key = tag;
    reader.receive({ type: 'expect', requestId, expectation: { type: 'send', key, to: '#tea' } });
    const own = { from: 'alice', to: '#tea', own: true, text: tag, tag } as const;
    reader.receive({ type: 'records', records: [{ type: 'message', id: null, at: 1, ...own }] });
  };
  /** The content of the file, by id: `m` messages, `s` stored, `j` joined or left. */
  const kinds = (page: string) =>
    [...page.matchAll(/data-kind="(\w)\w+"[^>]*data-id="(\d+)"/g)].map(([, kind, id]) => `${kind}${id}`);

  it('that arrive as answers are placed among the events, and advance the last id', async () => {
    const { reader, posted, written, page } = await startReader();
    type(reader, 7, 'mine');
    const expectation = { type: 'join', room: '#tea', user: 'alice' } as const;
    reader.receive({ type: 'expect', requestId: 8, expectation });
    reader.receive({ type: 'expect', requestId: 9, expectation: { ...expectation, type: 'leave' } });
    feed(
      reader,
      says(11, 'a'),
      ok(7, 12, 12),
      says(13, 'b'),
      ok(8, 14, [[], null]),
      says(15, 'c'),
      ok(9, 16),
    );
    reader.receive({ type: 'end', connection: 1 });
    await until('all to be written', () => written().some(({ id }) => id === 16));
    expect(kinds(page())).toEqual(['m11', 's12', 'm13', 'm14', 'm15', 'm16']);
    expect(posted).toContainEqual({ type: 'ended', connection: 1, resumeAfter: 16 });
  });

  it('advance the last id before they are written', async () => {
    const posted: FromReader[] = [];
    const post = (message: FromReader): void => void posted.push(message);
    // Without a display, everything stays queued.
    const reader = new Reader({ allEvents: false, post, displayQueue: new DisplayQueue(() => {}) });
    reader.receive({ type: 'begin', connection: 1, user: 'alice' });
    feed(reader, says(11, 'a'), says(12, 'b'));
    reader.receive({ type: 'end', connection: 1 });
    expect(posted.at(-1)).toEqual({ type: 'ended', connection: 1, resumeAfter: 12 });
    expect(posted.filter((message) => message.type === 'written')).toEqual([]);
  });

  it('are shown once, even if an answer and an event report the same one', async () => {
    const { reader, posted, frames, page } = await startReader({ allEvents: true });
    type(reader, 1, 'by event');
    type(reader, 2, 'by answer');
    feed(reader, says(20, 'by event', 'Alice', 'by event'), ok(2, 21, 21));
    feed(reader, ok(1, 20, 20), says(21, 'by answer', 'alice', 'by answer'), says(22, 'other'));
    // A connection that does not resume after the last entry.
    reader.receive({ type: 'begin', connection: 2, user: 'alice' });
    feed(reader, says(21, 'by answer', 'alice', 'by answer'), says(22, 'other'), says(23, 'last'));
    await until('the last', () => page().includes('>last<'));
    expect(kinds(page())).toEqual(['s20', 's21', 'm22', 'm23']);
    // A resent message is answered with its first id, which may be older than what has arrived since.
    type(reader, 3, 'late');
    feed(reader, ok(3, 15, 15));
    reader.receive({ type: 'end', connection: 2 });
    expect(posted.at(-1)).toEqual({ type: 'ended', connection: 2, resumeAfter: 23 });
    expect(frames().flatMap(({ settled }) => settled)).toEqual([{ key: 'by event', id: 20, at: 20 }]);
    expect(frames().flatMap(({ events }) => events.map(([, id]) => id))).toEqual([22, 23]);
  });

  it('of others, or from another device, are never mistaken for own ones', async () => {
    const { reader, frames, page } = await startReader();
    type(reader, 1, 'mine');
    feed(reader, says(20, 'a', 'bob', 'mine'), says(21, 'b', 'alice', 'of my telephone'));
    await until('both', () => page().includes('>b<'));
    expect(kinds(page())).toEqual(['m20', 'm21']);
    expect(frames().flatMap(({ settled }) => settled)).toEqual([]);
  });

  it('that have failed for good are no longer pending', async () => {
    const { reader, page } = await startReader();
    type(reader, 1, 'mine');
    reader.receive({ type: 'records', records: [{ type: 'failed', tag: 'mine', text: 'no' }] });
    feed(reader, ok(1, 20, 20), says(21, 'last'));
    await until('the last', () => page().includes('>last<'));
    expect(kinds(page())).toEqual(['m21']);
  });

  it('arrive again from a server that has lost its log', async () => {
    const { reader, page } = await startReader();
    feed(reader, ['live', 50], says(60, 'lost'));
    reader.receive({ type: 'end', connection: 1 });
    reader.receive({ type: 'begin', connection: 2, user: 'alice' });
    feed(reader, ['live', 0], says(5, 'of a new beginning'));
    await until('both', () => page().includes('of a new beginning'));
    expect(kinds(page())).toEqual(['m60', 'm5']);
  });

  it('are tracked per conversation, from the oldest one on', async () => {
    const { reader, posted } = await startReader();
    const floor = (conversation: string) => {
      reader.receive({ type: 'floor', conversation });
      const last = posted.at(-1);
      return last?.type === 'floor' ? last.id : undefined;
    };
    expect(floor('#tea')).toBe(null);
    feed(reader, says(31, 'missed'), ['message', 32, 32, 'Bob', 'alice', 'missed too'], ['live', 40]);
    expect(['#tea', '#TEA', 'bob', '#cake'].map(floor)).toEqual([31, 31, 32, 41]);
    type(reader, 1, 'mine');
    feed(reader, ok(1, 50, 50), ['live', 90]);
    expect(['#tea', '#cake'].map(floor)).toEqual([31, 41]);
    const past = { type: 'message', at: 1, from: 'bob', to: '#cake', text: 'of old', own: false } as const;
    reader.receive({ type: 'records', records: [{ ...past, id: 9 }] });
    expect(floor('#cake')).toBe(9);
  });
});
