import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { pino } from 'pino';
import { expect, it, onTestFinished } from 'vitest';
import type { AuthApi, Credential, SessionsApi, Standing } from '../../../src/actors/auth/auth-api.ts';
import { BatchPort, takeBatches } from '../../../src/actors/kernel/batch.ts';
import { callPort, type Peer, servePort } from '../../../src/actors/kernel/thread.ts';
import { readToRegistry, writeToShard } from '../../../src/actors/link/codec.ts';
import type { ToRegistry, ToShard } from '../../../src/actors/link/messages.ts';
import { HEARTBEAT_CHECK_MS, Shard } from '../../../src/actors/shard/shard.ts';
import { dialect as native } from '../../../src/dialects/native/native.ts';
import { encodeFrame } from '../../../src/protocol/codec.ts';
import type { Frame } from '../../support/frames.ts';
import { until } from '../../support/process.ts';
import { TestWire } from '../../support/test-wire.ts';

/** The registry's end of a link: records what the shard sends, and sends what the test wants. */
class RegistryEnd {
  readonly received: ToRegistry[] = [];
  readonly #out: BatchPort<ToShard>;

  constructor(port: MessagePort) {
    this.#out = new BatchPort(port, writeToShard);
    takeBatches(port, readToRegistry, (batch) => this.received.push(...batch));
    onTestFinished(() => port.close());
  }

  send(...items: readonly ToShard[]): void {
    for (const item of items) this.#out.push(item);
  }

  /** The number of the command with this verb, once it has arrived. `nth`: which of several, from 0. */
  number(verb: string, nth = 0): Promise<number> {
    return until(`a ${verb}`, () => {
      const item = this.received.filter(([name]) => name === verb)[nth];
      return typeof item?.[1] === 'number' ? item[1] : undefined;
    });
  }
}

function linkRegistry(shard: Shard): RegistryEnd {
  const { port1, port2 } = new MessageChannel();
  shard.connectRegistry(port1);
  return new RegistryEnd(port2);
}

/** `record`: the fingerprint of every password record; null if all accounts have been removed. */
function linkAuth(shard: Shard, record: string | null = 'record'): Peer<SessionsApi> {
  const { port1, port2 } = new MessageChannel();
  shard.connectAuth(port1);
  const standing = (asked: Credential): Standing => {
    if (record === null) return 'removed';
    return asked.record === record ? 'ok' : 'password_changed';
  };
  servePort<AuthApi>(port2, {
    authenticate: (call) => Promise.resolve({ type: 'ok', user: call.user, record: record ?? '' }),
    confirm: (credentials) => Promise.resolve(credentials.map(standing)),
  });
  onTestFinished(() => port2.close());
  return callPort<SessionsApi>(port2);
}

/** A client of the shard, and its socket. */
class TestClient extends TestWire {
  readonly #handler: ReturnType<Shard['accept']>;

  constructor(shard: Shard) {
    super();
    this.#handler = shard.accept(this, native);
  }

  ask(...frame: readonly unknown[]): void {
    this.#handler.data(encodeFrame(frame));
  }

  answer(id: number): Promise<Frame> {
    return until(`an answer to ${id}`, () => this.frames.find((frame) => frame[1] === id));
  }

  /** The code of the farewell, once it has arrived. */
  bye(): Promise<unknown> {
    return until('a farewell', () => this.frames.find((frame) => frame[0] === 'bye')?.[1]);
  }
}

const OPTIONS = { incarnation: 1, shards: 1, server: 'test', outboxLimit: 1_048_576, commandsPerSecond: 0 };

it('does not repeat a command to a new registry if the old one committed its successor', async () => {
  const shard = new Shard(OPTIONS, pino({ level: 'silent' }));
  linkAuth(shard);
  const old = linkRegistry(shard);
  old.send(['caught_up']);
  const ann = new TestClient(shard);
  ann.ask('login', 1, 'ann', 'secret of ann');
  old.send(['attached', await old.number('attach'), 7, 'ann', [], 0, 0]);
  old.send(['live', await old.number('live'), [], [], 0]);
  await ann.answer(1);
  ann.ask('send', 2, '#r', 'too early');
  ann.ask('join', 3, '#r');
  ann.ask('send', 4, '#r', 'unanswered');
  ann.ask('who', 5, '#r');
  const join = await old.number('join');
  await old.number('who');

  // The old registry refused the send and committed the join, and died before it answered.
  const next = linkRegistry(shard);
  const ann7 = { account: 7, user: 'ann', origin: null };
  const joined = { kind: 'joined', id: 1_000, at: 1, ...ann7, room: 3, roomName: '#r' } as const;
  next.send(['entry', join, joined], ['ok', join, [1_000, [[], null]]], ['caught_up']);
  expect((await ann.answer(2)).slice(0, 3)).toEqual(['error', 2, 'unavailable']);
  expect((await ann.answer(3)).slice(0, 2)).toEqual(['ok', 3]);
  await next.number('who');
  expect(next.received.flatMap((item) => (item[0] === 'send' ? [item[4]] : []))).toEqual(['unanswered']);
});

it('does not count time in which it did not run as silence of a client', async () => {
  const shard = new Shard(OPTIONS, pino({ level: 'silent' }));
  const ann = new TestClient(shard);
  ann.ask('hello', 1, { heartbeat: HEARTBEAT_CHECK_MS });
  await ann.answer(1);
  const farewell = () => ann.frames.find(([name]) => name === 'bye')?.[1];
  const continuedAt = performance.now() + 3_600_000;
  shard.checkHeartbeats(continuedAt);
  shard.checkHeartbeats(continuedAt + 2 * HEARTBEAT_CHECK_MS);
  expect(farewell()).toBeUndefined();
  shard.checkHeartbeats(continuedAt + 2 * HEARTBEAT_CHECK_MS + 1);
  expect(farewell()).toBe('silent');
});

/** A shard with one session of ann and one of ben, on connections 1 and 2. */
async function withSessions(): Promise<{
  shard: Shard;
  auth: Peer<SessionsApi>;
  registry: RegistryEnd;
  ann: TestClient;
  ben: TestClient;
}> {
  const shard = new Shard(OPTIONS, pino({ level: 'silent' }));
  const auth = linkAuth(shard);
  const registry = linkRegistry(shard);
  registry.send(['caught_up']);
  const clients: TestClient[] = [];
  for (const [nth, user] of ['ann', 'ben'].entries()) {
    const client = new TestClient(shard);
    client.ask('login', 1, user, `secret of ${user}`);
    registry.send(['attached', await registry.number('attach', nth), nth + 7, user, [], 0, 0]);
    registry.send(['live', await registry.number('live', nth), [], [], 0]);
    await client.answer(1);
    clients.push(client);
  }
  const [ann, ben] = clients;
  if (ann === undefined || ben === undefined) throw new Error('no clients');
  return { shard, auth, registry, ann, ben };
}

it('ends the sessions of an account whose password has changed, except the one that requested it', async () => {
  const { shard, auth, registry, ann, ben } = await withSessions();
  const late = new TestClient(shard);
  late.ask('login', 1, 'ANN', 'secret of ann');
  const attach = await registry.number('attach', 2);
  const outcome = await auth.call((api) =>
    api.passwordChanged({ user: 'ann', record: 'next' }, { shard: 1, connection: 2 }),
  );
  expect(outcome.type).toBe('answered');
  expect(ann.frames.at(-1)?.slice(0, 2)).toEqual(['bye', 'password_changed']);
  // A pending login is attached, then ends.
  registry.send(['attached', attach, 7, 'ann', [], 0, 0]);
  expect(await late.bye()).toBe('password_changed');
  await auth.call((api) => api.passwordChanged({ user: 'ben', record: 'next' }, { shard: 1, connection: 2 }));
  await auth.call((api) => api.passwordChanged({ user: 'ben', record: 'next' }, { shard: 1, connection: 0 }));
  expect(ben.frames.map((frame) => frame[0])).not.toContain('bye');
  await auth.call((api) =>
    api.passwordChanged({ user: 'ben', record: 'another' }, { shard: 1, connection: 0 }),
  );
  expect(await ben.bye()).toBe('password_changed');
});

it.each([
  ['another record', 'next', 'password_changed'],
  ['no account', null, 'failed'],
])('asks an auth thread that has restarted which logins it still accepts: %s', async (_, record, code) => {
  const { shard, registry, ann, ben } = await withSessions();
  linkAuth(shard);
  const late = new TestClient(shard);
  late.ask('login', 1, 'ann', 'secret of ann');
  const attach = await registry.number('attach', 2);
  expect([...ann.frames, ...ben.frames].map((frame) => frame[0])).not.toContain('bye');
  linkAuth(shard, record);
  expect([await ann.bye(), await ben.bye()]).toEqual([code, code]);
  registry.send(['attached', attach, 7, 'ann', [], 0, 0]);
  expect(await late.bye()).toBe(code);
});

it('stops reading while 10,000 commands are unanswered, and resumes when half of them are answered', async () => {
  const shard = new Shard(OPTIONS, pino({ level: 'silent' }));
  linkAuth(shard);
  const registry = linkRegistry(shard);
  registry.send(['caught_up']);
  const clients = Array.from({ length: 11 }, () => new TestClient(shard));
  for (const [nth, client] of clients.entries()) {
    client.ask('login', 1, `user${nth}`, 'a secret password');
    registry.send(['attached', await registry.number('attach', nth), nth + 7, `user${nth}`, [], 0, 0]);
    registry.send(['live', await registry.number('live', nth), [], [], 0]);
    await until('live', () => client.frames.find((frame) => frame[0] === 'live'));
  }
  const late = clients.pop();
  for (const client of clients) for (let id = 2; id < 1_002; id += 1) client.ask('who', id, '#tea');
  late?.ask('ping', 2);
  const first = await registry.number('who');
  const refuse = (number: number): void => registry.send(['error', number, 'no_such_room']);
  for (let number = first; number < first + 4_999; number += 1) refuse(number);
  await clients[4]?.answer(1_000);
  expect([shard.metrics().heldBack, late?.frames.some(([, id]) => id === 2)]).toEqual([1, false]);
  refuse(first + 4_999);
  expect(await late?.answer(2)).toEqual(['ok', 2]);
});
