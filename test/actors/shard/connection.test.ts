/** One connection between a socket that is this test and neighbours that are not there. */

import { pino } from 'pino';
import { beforeEach, expect, it } from 'vitest';
import { Connection, type ConnectionContext } from '../../../src/actors/shard/connection.ts';
import { Entrance } from '../../../src/actors/shard/resume-queue.ts';
import { dialect as native } from '../../../src/dialects/native/native.ts';
import { encodeFrame } from '../../../src/protocol/codec.ts';
import { LIMITS } from '../../../src/protocol/vocabulary.ts';
import { WriteTurn } from '../../../src/transport/outbox.ts';
import type { Wire } from '../../../src/transport/tcp.ts';
import { type Frame, frameReader } from '../../support/frames.ts';
import { until } from '../../support/process.ts';

const OUTBOX_LIMIT = 100_000;
const NOWHERE = Promise.withResolvers<never>().promise;

/** A socket that notes what happens to it. */
class Socket implements Wire {
  readonly address = '192.0.2.1';
  buffered = 0;
  readonly frames: Frame[] = [];
  isPaused = false;
  hasEnded = false;
  abandoned: string | undefined;
  readonly #read = frameReader((frame) => this.frames.push(frame));

  write(bytes: Buffer): void {
    this.#read(Buffer.from(bytes));
  }
  drained(): Promise<boolean> {
    return Promise.resolve(true);
  }
  pause(): void {
    this.isPaused = true;
  }
  resume(): void {
    this.isPaused = false;
  }
  end(): void {
    this.hasEnded = true;
  }
  destroy(): void {}
  isAmong(locals: ReadonlyMap<string, string>): boolean {
    return locals.has('this one');
  }
  abandon(reason: string): void {
    this.abandoned = reason;
  }
}

let socket: Socket;
let connection: Connection;
let logged: Array<Readonly<Record<string, unknown>>>;
let closed: Connection[];
let isCongested: boolean;
let authenticate: ConnectionContext['sessions']['auth']['authenticate'];

beforeEach(() => {
  socket = new Socket();
  logged = [];
  closed = [];
  isCongested = false;
  authenticate = () => NOWHERE;
  const log = pino({ level: 'debug' }, { write: (line: string) => void logged.push(JSON.parse(line)) });
  const context: ConnectionContext = {
    sessions: {
      registry: {
        incarnation: 1,
        get isCongested() {
          return isCongested;
        },
        waitForRoom: () => {},
        forward: () => {},
        announceAccount: () => NOWHERE,
        attach: () => NOWHERE,
        goLive: () => NOWHERE,
        detach: () => NOWHERE,
      },
      auth: { authenticate: (call) => authenticate(call) },
      archive: { replay: () => NOWHERE, answer: () => NOWHERE },
      resumes: new Entrance(),
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

it('answers what its client asks, in order, and logs once that it was opened', async () => {
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

it('writes finished frames that lie side by side as they are, without a copy', async () => {
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

it('a bug in handling one request ends this connection, and is logged', async () => {
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
    throw new Error('is not called any more');
  };
  ask('login', 3, 'ann', 'secret of ann');
  expect(events().filter((event) => event === 'connection.failed')).toHaveLength(1);
});

it('a bug that throws at once ends it as well', () => {
  Object.defineProperty(connection.session, 'take', {
    value: () => {
      throw new Error('a bug');
    },
  });
  ask('ping', 1);
  expect([socket.frames.map((frame) => frame[1]), socket.hasEnded]).toEqual([['failed'], true]);
});

it('goes on behind whoever frees the way, not in the middle of it', async () => {
  isCongested = true;
  ask('ping', 1);
  expect(socket.isPaused).toBe(true);
  isCongested = false;
  connection.session.resume();
  connection.session.resume();
  expect(socket.isPaused).toBe(true);
  await Promise.resolve();
  expect(socket.isPaused).toBe(false);
  await answer(1);
});

it('takes large requests only of a client that is logged in', () => {
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

it('ends a client that does not read what it is sent', () => {
  socket.buffered = OUTBOX_LIMIT + 1;
  connection.push(encodeFrame(['live', 1]));
  expect(socket.frames.map((frame) => frame.slice(0, 2))).toEqual([
    ['live', 1],
    ['bye', 'too_slow'],
  ]);
});

it('ends a client that is silent for twice the time that it promised', async () => {
  connection.checkHeartbeat(Number.MAX_SAFE_INTEGER, 0);
  ask('hello', 1, { heartbeat: 1_000 });
  await answer(1);
  const heard = performance.now();
  connection.checkHeartbeat(heard + 1_900, 0);
  // This side was asleep.
  connection.checkHeartbeat(heard + 60_000, heard + 59_000);
  expect(socket.hasEnded).toBe(false);
  connection.checkHeartbeat(heard + 2_001, 0);
  expect(socket.frames.at(-1)?.slice(0, 2)).toEqual(['bye', 'silent']);
});

it('is dropped when its peer is known to be gone', () => {
  connection.abandonIfAmong(new Map([['another', '']]));
  expect(socket.abandoned).toBeUndefined();
  connection.abandonIfAmong(new Map([['this one', '']]));
  expect(socket.abandoned).toMatch(/does not acknowledge/);
});
