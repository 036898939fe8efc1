import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  readHistoryPage,
  readJoined,
  readLeft,
  readRoomPage,
  readSearchPage,
  readServerFrame,
  readStored,
  readUserPage,
  readWelcome,
} from '../../../src/client/reader/server-frame.ts';
import type { Event } from '../../../src/protocol/vocabulary.ts';

const EVENTS: readonly Event[] = [
  ['message', 5, 1_000, 'bob', '#tea', 'hello'],
  ['message', 5, 1_000, 'bob', 'alice', 'hello', 'key'],
  ['joined', 5, 1_000, '#tea', 'bob'],
  ['left', 5, 1_000, '#tea', 'bob'],
  ['live', 0],
  ['delivered', 5],
  ['online', 'bob'],
  ['offline', 'bob'],
  ['notice', 'warning', 'careful'],
  ['bye', 'shutdown', 'the server is shutting down'],
  ['bye', 'shutdown', 'the server is shutting down', 2_000],
];

const anything = fc.oneof(
  fc.anything({ maxDepth: 2 }),
  fc.constantFrom(null, undefined, -1, 1.5, Number.NaN, '', '#', 'bob', '#tea', 'x'.repeat(9_000)),
);

describe('readServerFrame', () => {
  it.each(EVENTS)('takes %j', (...event) => {
    expect(readServerFrame(event)).toEqual({ type: 'event', event });
  });

  it.each(EVENTS)('passes over what a later version adds to %j', (...event) => {
    const length = event[0] === 'message' ? 7 : event[0] === 'bye' ? 4 : event.length;
    const longer = Array.from<unknown>({ length })
      .fill(null)
      .map((none, at) => event[at] ?? none);
    expect(readServerFrame([...longer, 'later'])).toEqual({ type: 'event', event });
  });

  it('reads answers', () => {
    expect(readServerFrame(['ok', 1])).toEqual({ type: 'ok', requestId: 1, result: undefined });
    expect(readServerFrame(['ok', 1, [2]])).toEqual({ type: 'ok', requestId: 1, result: [2] });
    expect(readServerFrame(['error', null, 'bad_frame', 'text'])).toEqual({
      type: 'error',
      requestId: null,
      code: 'bad_frame',
      text: 'text',
    });
  });

  it('ignores events that it does not know', () => {
    expect(readServerFrame(['typing', 'bob'])).toEqual({ type: 'unknown' });
  });

  it('treats a farewell with an unknown reason as a failure', () => {
    expect(readServerFrame(['bye', 'tired', 'zzz'])).toEqual({
      type: 'event',
      event: ['bye', 'failed', 'zzz'],
    });
    expect(readServerFrame(['bye', 'toString', 'zzz'])).toMatchObject({ event: ['bye', 'failed', 'zzz'] });
  });

  it('refuses every frame with one invalid element', () => {
    const spoilt = fc
      .constantFrom(...EVENTS, ['ok', 1], ['error', 1, 'busy', 'text'])
      .chain((frame) =>
        fc.tuple(fc.constant(frame), fc.integer({ min: 1, max: frame.length - 1 }), anything),
      );
    fc.assert(
      fc.property(spoilt, ([frame, at, value]) => {
        const changed: unknown[] = [...frame];
        changed[at] = value;
        const read = readServerFrame(changed);
        // Either it is refused, or the result is exactly what the frame contains.
        if (read.type === 'event') {
          if (read.event[0] === 'bye' && read.event[1] === 'failed') changed[1] = 'failed';
          expect(changed.slice(0, read.event.length)).toEqual(read.event);
        } else if (read.type === 'ok') expect(read.requestId).toBe(changed[1]);
        else if (read.type === 'error')
          expect([read.requestId, read.code, read.text]).toEqual(changed.slice(1, 4));
        else expect(read.type).toBe('malformed');
      }),
    );
  });

  it.each([
    [[]],
    [[1]],
    [[null, 1]],
    [['ok']],
    [['ok', -1]],
    [['ok', 1.5]],
    [['error', 1, 'busy']],
    [['message', 2 ** 53, 1, 'bob', '#tea', 'x']],
    [['message', 1, 1, 'not a name', '#tea', 'x']],
    [['message', 1, 1, 'bob', 'not a name', 'x']],
    [['message', 1, 1, 'bob', '#tea', '']],
    [['message', 1, 1, 'bob', '#tea', 'x'.repeat(8_193)]],
    [['joined', 1, 1, 'tea', 'bob']],
    [['live', '1']],
    [['online', '#tea']],
    [['notice', 'fatal', 'x']],
    [['bye', 'quit', 'x', -1]],
  ])('refuses %j', (frame) => {
    expect(readServerFrame(frame)).toEqual({ type: 'malformed' });
  });
});

/** Each function that reads a result. */
const READERS = [
  readStored,
  readWelcome,
  readJoined,
  readLeft,
  readUserPage,
  readRoomPage,
  (result: unknown) => readHistoryPage(result, null),
  (result: unknown) => readSearchPage(result, null),
];

describe('results', () => {
  it('are read if they have the right shape', () => {
    expect(readStored([7, 8])).toEqual({ id: 7, at: 8 });
    const welcome = { user: 'bob', rooms: ['#tea'] };
    expect(readWelcome({ ...welcome, token: 'x' })).toEqual({ ...welcome, token: 'x' });
    expect(readWelcome(welcome)).toEqual({ ...welcome, token: undefined });
    expect(readWelcome({ ...welcome, token: null })).toEqual({ ...welcome, token: undefined });
    expect(readJoined([null, [[['bob', true]], null]])).toEqual({
      id: null,
      members: [[['bob', true]], null],
    });
    expect(readLeft([7])).toEqual({ id: 7 });
    expect(readUserPage([[['bob', false]], 'bob'])).toEqual([[['bob', false]], 'bob']);
    expect(readRoomPage([[['#tea', 3]], null])).toEqual([[['#tea', 3]], null]);
    const message = [7, 8, 'bob', '#tea', 'hi'];
    expect(readHistoryPage([[message], 7], 8)).toEqual([[message], 7]);
    expect(readHistoryPage([[], undefined, 'later'], null)).toEqual([[], null]);
    const hit = [7, 8, 'bob', 'alice', ['a ', 'kettle']];
    expect(readSearchPage([[hit], null, true], null)).toEqual([[hit], null, true]);
  });

  it('never throw, and refuse any other shape', () => {
    fc.assert(
      fc.property(fc.anything(), (result) => {
        for (const read of READERS) read(result);
      }),
    );
    expect(readStored([7])).toBeUndefined();
    expect(readWelcome({ user: 'bob', rooms: ['tea'] })).toBeUndefined();
    expect(readWelcome({ user: 'bob', rooms: [], token: 5 })).toBeUndefined();
    expect(readJoined([null, [[['bob', 1]], null]])).toBeUndefined();
    expect(readUserPage([[['#bob', true]], null])).toBeUndefined();
    expect(readUserPage([[['bob', true]], 5])).toBeUndefined();
    expect(readRoomPage([[['#tea', -1]], null])).toBeUndefined();
  });

  it('of history and search have falling ids below the requested bound', () => {
    const at = (id: number) => [id, 1, 'bob', '#tea', 'hi'];
    expect(readHistoryPage([[at(7), at(6)], 6], 8)).toBeDefined();
    expect(readHistoryPage([[at(8)], null], 8)).toBeUndefined();
    expect(readHistoryPage([[at(6), at(7)], null], 8)).toBeUndefined();
    expect(readHistoryPage([[at(7), at(7)], null], 8)).toBeUndefined();
    // Continuing there would request the same page for ever.
    expect(readHistoryPage([[], 8], 8)).toBeUndefined();
    expect(readHistoryPage([[at(7).slice(0, 4)], null], 8)).toBeUndefined();
    expect(readHistoryPage([[[7, 1, 'bob', '#tea', '']], null], 8)).toBeUndefined();
    expect(readSearchPage([[[7, 1, 'bob', '#tea', 'hi']], null, true], null)).toBeUndefined();
    expect(readSearchPage([[[7, 1, 'bob', '#tea', ['hi', 5]]], null, true], null)).toBeUndefined();
    expect(readSearchPage([[], null], null)).toBeUndefined();
  });
});
