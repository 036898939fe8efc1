/** Tests of one connection. The test plays the socket; the other threads never answer. */

import { pino } from 'pino';
import { beforeEach, expect, it } from 'vitest';
import { Connection, type ConnectionContext } from '../../../src/actors/shard/connection.ts';
import { ResumeQueue } from '../../../src/actors/shard/resume-queue.ts';
import { dialect as native } from '../../../src/dialects/native/native.ts';
import { encodeFrame } from '../../../src/protocol/codec.ts';
import { LIMITS } from '../../../src/protocol/vocabulary.ts';
import { WriteTurn } from '../../../src/transport/outbox.ts';
import type { Frame } from '../../support/frames.ts';
import { until } from '../../support/process.ts';
import { TestWire } from '../../support/test-wire.ts';

const OUTBOX_LIMIT = 100_000;
const NEVER = Promise.withResolvers<never>().promise;

let socket: TestWire;
let connection: Connection;
let logged: Array<Readonly<Record<string, unknown>>>;
let closed: Connection[];
let isCongested: boolean;
let authenticate: ConnectionContext['sessions']['auth']['authenticate'];

beforeEach(() => {
  socket = new TestWire();
  logged = [];
  closed = [];
  isCongested = false;
  authenticate = () => NEVER;
  const log = pino({ level: 'debug' }, { write: (line: string) => void logged.push(JSON.parse(line)) });
  const context: ConnectionContext = {
    sessions: {
      registry: {
        incarnation: 1,
        get isCongested() {
          return isCongested;
        },
        addPaused: () => {},
        forward: () => {},
        announceAccount: () => NEVER,
        attach: () => NEVER,
        goLive: () => NEVER,
        detach: () => NEVER,
      },
      auth: { authenticate: (call) => authenticate(call) },
      archive: { replay: () => NEVER, answer: () => NEVER },
      resumeQueue: new ResumeQueue(),
      server: 'test',
      replayBytes: OUTBOX_LIMIT / 2,
      log,
    },
    turn: new WriteTurn(),
    outboxLimit: OUTBOX_LIMIT,
    commandsPerSecond: 0,
    log,
    loggedOut: () => {},
    closed: (one) => closed.push(one),
  };
  connection = new Connection(context, native, socket, 7);
});

const events = (): unknown[] => logged.map(({ event }) => event);
const ask = (...request: readonly unknown[]): void => connection.data(encodeFrame(request));
const answer = (id: number): Promise<Frame> =>
  until(`the answer to ${id}`, () => socket.frames.find((frame) => frame[1] === id));

it('answers requests in order, and logs once that it was opened', async () => {
  connection.data(Buffer.concat([encodeFrame(['ping', 1]), encodeFrame(['ping', 2])]));
  ask('ping', 3);
  await answer(3);
  expect(socket.frames).toEqual([
    ['ok', 1],
    ['ok', 2],
    ['ok', 3],
  ]);
  expect(events()).toEqual(['connection.opened']);
  connection.closed(undefined);
  expect([events().at(-1), closed]).toEqual(['connection.closed', [connection]]);
});

it('writes adjacent native frames without copying them', async () => {
  const given: Buffer[] = [];
  socket.write = (bytes) => void given.push(bytes);
  const frames = Buffer.concat([encodeFrame(['live', 1]), encodeFrame(['live', 2])]);
  const middle = encodeFrame(['live', 1]).length;
  connection.push(frames, 0, middle);
  connection.push(frames, middle, frames.length);
  await connection.drained(0);
  expect(given).toEqual([frames]);
  expect(given[0]?.buffer === frames.buffer).toBe(true);
});

it('closes and logs the error if handling a request rejects', async () => {
  authenticate = () => Promise.reject(new Error('a bug'));
  ask('login', 1, 'ann', 'secret of ann');
  ask('ping', 2);
  await until('the end', () => socket.hasEnded);
  expect(socket.frames.map((frame) => frame.slice(0, 2))).toEqual([['bye', 'failed']]);
  expect(logged.find(({ event }) => event === 'connection.failed')).toMatchObject({
    connection: 7,
    err: { message: 'a bug' },
  });
  authenticate = () => {
    throw new Error('must not be called again');
  };
  ask('login', 3, 'ann', 'secret of ann');
  expect(events().filter((event) => event === 'connection.failed')).toHaveLength(1);
});

it('closes if handling a request throws', () => {
  Object.defineProperty(connection.session, 'handle', {
    value: () => {
      throw new Error('a bug');
    },
  });
  ask('ping', 1);
  expect([socket.frames.map((frame) => frame[1]), socket.hasEnded]).toEqual([['failed'], true]);
});

it('resumes reading after its caller has returned, not during the call', async () => {
  isCongested = true;
  ask('ping', 1);
  expect(socket.isPaused).toBe(true);
  isCongested = false;
  connection.resumeReading();
  connection.resumeReading();
  expect(socket.isPaused).toBe(true);
  await Promise.resolve();
  expect(socket.isPaused).toBe(false);
  await answer(1);
});

it('accepts large requests only after login', () => {
  connection.setLoggedIn(true);
  ask('ping', 1, 'x'.repeat(LIMITS.frameBeforeLogin));
  expect(socket.hasEnded).toBe(false);
  connection.setLoggedIn(false);
  ask('ping', 2, 'x'.repeat(LIMITS.frameBeforeLogin));
  expect(socket.frames.map((frame) => frame.slice(0, 3))).toEqual([
    ['ok', 1],
    ['error', null, 'frame_too_large'],
    ['bye', 'bad_frame', expect.any(String)],
  ]);
});

it('disconnects a client that does not read its output', () => {
  socket.buffered = OUTBOX_LIMIT + 1;
  connection.push(encodeFrame(['live', 1]));
  expect(socket.frames.map((frame) => frame.slice(0, 2))).toEqual([
    ['live', 1],
    ['bye', 'too_slow'],
  ]);
});

it('disconnects a client that is silent for twice the promised time', async () => {
  // It may take the promise back.
  ask('hello', 2, { heartbeat: 1_000 });
  ask('hello', 3, { version: 1 });
  await answer(3);
  connection.checkHeartbeat(Number.MAX_SAFE_INTEGER, 0);
  ask('hello', 1, { heartbeat: 1_000 });
  await answer(1);
  const heard = performance.now();
  connection.checkHeartbeat(heard + 1_900, 0);
  // The shard did not run meanwhile.
  connection.checkHeartbeat(heard + 60_000, heard + 59_000);
  expect(socket.hasEnded).toBe(false);
  connection.checkHeartbeat(heard + 2_001, 0);
  expect(socket.frames.at(-1)?.slice(0, 2)).toEqual(['bye', 'silent']);
});

it('is dropped when its client is known to be gone', () => {
  connection.abandonIfAmong(new Map([['another', '']]));
  expect(socket.abandoned).toBeUndefined();
  connection.abandonIfAmong(new Map([['this one', '']]));
  expect(socket.abandoned).toMatch(/no longer acknowledges/);
});
