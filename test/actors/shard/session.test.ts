/** Tests of one session. The test plays its client and the other threads, and controls the clock. */

import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ReplayAnswer } from '../../../src/actors/archive/archive-api.ts';
import type { AuthAnswer } from '../../../src/actors/auth/auth.ts';
import type { AuthCall } from '../../../src/actors/auth/auth-api.ts';
import type { Outcome } from '../../../src/actors/kernel/actor.ts';
import type { RegistryAnswer } from '../../../src/actors/shard/ports.ts';
import { ResumeQueue } from '../../../src/actors/shard/resume-queue.ts';
import { Session } from '../../../src/actors/shard/session.ts';
import type { Client, SessionContext } from '../../../src/actors/shard/session-context.ts';
import type { Request, VerbOf } from '../../../src/protocol/verbs.ts';
import type { Answer } from '../../../src/protocol/vocabulary.ts';

/** A question of the session that has not been answered. */
interface Asked<Question, Reply> {
  readonly question: Question;
  reply(answer: Reply): void;
}

/** The questions that the session has asked, in order. The test answers them one by one. */
class Questions<Question, Reply> {
  readonly open: Array<Asked<Question, Reply>> = [];

  ask(question: Question): Promise<Reply> {
    return new Promise((reply) => this.open.push({ question, reply }));
  }

  /** Answers the oldest question, lets the session continue, and returns the question. */
  async answer(reply: Reply): Promise<Question> {
    const asked = this.open.shift();
    if (asked === undefined) throw new Error('nothing was asked');
    asked.reply(reply);
    await vi.advanceTimersByTimeAsync(0);
    return asked.question;
  }
}

type RegistryQuestion =
  | readonly ['account', user: string]
  | readonly ['attach', user: string, isGuest: boolean, lastId: number | null]
  | readonly ['live', cursor: number, bytes: number]
  | readonly ['detach'];

const REPLAY_BYTES = 100_000;

class World implements Client {
  readonly address = '192.0.2.1';
  readonly auth = new Questions<AuthCall, AuthAnswer>();
  readonly registry = new Questions<RegistryQuestion, RegistryAnswer>();
  readonly pages = new Questions<number, Outcome<ReplayAnswer>>();
  readonly archive = new Questions<Request<VerbOf<'archive'>>, Outcome<Page>>();
  readonly forwarded: Array<Request<VerbOf<'registry'>>> = [];
  isCongested = false;
  readonly paused: Session[] = [];
  readonly logged: Array<Readonly<Record<string, unknown>>> = [];
  /** Everything sent to the client: answers, finished frames as text, and the farewell. */
  readonly sent: unknown[] = [];
  isLimited = true;
  isReading = true;
  resumed = 0;
  logouts = 0;
  /** False if the client does not accept its output in time. */
  drains = true;
  readonly session: Session;

  constructor() {
    const log = pino({}, { write: (line: string) => void this.logged.push(JSON.parse(line)) });
    const world = this;
    const context: SessionContext = {
      registry: {
        incarnation: 3,
        get isCongested() {
          return world.isCongested;
        },
        addPaused: (session) => void this.paused.push(session),
        forward: (_, request) => void this.forwarded.push(request),
        announceAccount: (_, user) => this.registry.ask(['account', user]),
        attach: (_, user, isGuest, lastId) => this.registry.ask(['attach', user, isGuest, lastId]),
        goLive: (_, cursor, bytes) => this.registry.ask(['live', cursor, bytes]),
        detach: async () => void (await this.registry.ask(['detach'])),
      },
      auth: { authenticate: (call) => this.auth.ask(call) },
      archive: {
        replay: (_, after) => this.pages.ask(after),
        answer: (_, request) => this.archive.ask(request),
      },
      resumeQueue: new ResumeQueue(),
      server: 'test',
      replayBytes: REPLAY_BYTES,
      log,
    };
    this.session = new Session(context, this, 7);
  }

  get account(): number {
    return this.session.account;
  }

  send(answer: Answer): void {
    this.sent.push(answer);
  }
  sendStored(requestId: number, id: number, at: number): void {
    this.sent.push(['stored', requestId, id, at]);
  }
  push(bytes: Buffer): void {
    this.sent.push(bytes.toString());
  }
  drained(): Promise<boolean> {
    return Promise.resolve(this.drains);
  }
  setLoggedIn(isLoggedIn: boolean): void {
    this.isLimited = !isLoggedIn;
  }
  loggedOut(): void {
    this.logouts += 1;
  }
  resumeReading(): void {
    this.resumed += 1;
  }
  stopReading(): void {
    this.isReading = false;
  }
  end(code: string, retryAfterMs: number | undefined): void {
    this.isReading = false;
    this.sent.push(retryAfterMs === undefined ? ['bye', code] : ['bye', code, retryAfterMs]);
  }

  /** Sends a request. `isDone` becomes true when later requests may be handled. */
  ask(...request: readonly unknown[]): { isDone: boolean } {
    const done = { isDone: false };
    const handling = this.session.handle(request);
    if (handling === undefined) done.isDone = true;
    else void handling.then(() => Object.assign(done, { isDone: true }));
    return done;
  }

  /** The registry attaches the session, which has missed nothing. */
  async attach(account = 42, user = 'Ann', rooms: readonly string[] = []): Promise<void> {
    this.session.attached(account, user, rooms);
    await this.registry.answer({ type: 'attached', start: 5 });
    await this.registry.answer({ type: 'live' });
  }

  async login(): Promise<void> {
    this.ask('login', 1, 'ann', 'secret of ann');
    await this.auth.answer({ type: 'ok', user: 'Ann', record: 'record', token: 'token' });
    await this.attach();
    this.sent.length = 0;
  }
}

type Page = { readonly type: 'page'; readonly frame: Uint8Array };
const replayed = (text: string, through: number, isLast: boolean): Outcome<ReplayAnswer> => ({
  type: 'answered',
  value: { type: 'page', frames: Buffer.from(text), through, isLast },
});
const page = (text: string): Outcome<Page> => ({
  type: 'answered',
  value: { type: 'page', frame: Buffer.from(text) },
});
const DONE: RegistryAnswer = { type: 'done' };
/** A refusal of the request with this id. */
const refusal = (id: number | null, code: string): unknown[] => ['error', id, code, expect.any(String)];

let world: World;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'performance'] });
  world = new World();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('a login', () => {
  it('asks auth, then the registry, and is answered when the session is attached', async () => {
    const done = world.ask('login', 1, 'ann', 'secret of ann', 12);
    const call = await world.auth.answer({ type: 'ok', user: 'Ann', record: 'record', token: 'token' });
    expect(call).toEqual({ type: 'login', user: 'ann', password: 'secret of ann', address: '192.0.2.1' });
    expect(world.registry.open.map(({ question }) => question)).toEqual([['attach', 'Ann', false, 12]]);
    expect([world.sent, world.isLimited, world.session.isLoggedIn]).toEqual([[], true, false]);

    world.session.attached(42, 'Ann', ['#tea']);
    expect(world.sent).toEqual([['ok', 1, { user: 'Ann', rooms: ['#tea'], token: 'token' }]]);
    expect([world.isLimited, world.session.isLoggedIn, world.account]).toEqual([false, true, 42]);
    await world.registry.answer({ type: 'attached', start: 5 });
    // Later requests wait until the session is live.
    expect([done.isDone, world.registry.open[0]?.question]).toEqual([false, ['live', 5, 32_768]]);
    await world.registry.answer({ type: 'live' });
    expect(done.isDone).toBe(true);
    expect(world.ask('login', 2, 'ben', 'secret of ben').isDone).toBe(true);
    expect(world.sent.at(-1)).toEqual(refusal(2, 'already_logged_in'));
  });

  it('refused by auth is logged with its address and without the password', async () => {
    const done = world.ask('login', 1, 'ann', 'not the secret');
    await world.auth.answer({ type: 'refused', code: 'wrong_credentials' });
    expect([done.isDone, world.sent]).toEqual([true, [refusal(1, 'wrong_credentials')]]);
    expect(world.logged).toMatchObject([{ event: 'login.failed', name: 'ann', address: '192.0.2.1' }]);
    expect(JSON.stringify(world.logged)).not.toContain('not the secret');
    expect([world.session.isLoggedIn, world.registry.open]).toEqual([false, []]);
  });

  it('refused by the registry leaves the client logged out', async () => {
    world.ask('login', 1, 'ann', 'secret of ann');
    await world.auth.answer({ type: 'ok', user: 'Ann', record: 'record' });
    expect(world.session.credential).toEqual({ user: 'Ann', record: 'record' });
    await world.registry.answer({ type: 'refused', code: 'storage_failed' });
    expect(world.sent).toEqual([refusal(1, 'storage_failed')]);
    expect([world.session.credential, world.session.isLoggedIn]).toEqual([undefined, false]);
  });

  it('of a client that has disconnected does not reach the registry', async () => {
    world.ask('login', 1, 'ann', 'secret of ann');
    world.session.disconnected();
    await world.auth.answer({ type: 'ok', user: 'Ann', record: 'record' });
    expect(world.registry.open).toEqual([]);
  });

  it('of a client that disconnects while the registry attaches it is undone', async () => {
    world.ask('login', 1, 'ann', 'secret of ann');
    await world.auth.answer({ type: 'ok', user: 'Ann', record: 'record' });
    world.session.disconnected();
    world.session.attached(42, 'Ann', []);
    await world.registry.answer({ type: 'attached', start: 5 });
    expect(world.registry.open.map(({ question }) => question[0])).toContain('detach');
    expect(world.session.isLoggedIn).toBe(false);
  });

  it('of a guest reserves a name, which is released when the session ends or if the login fails', async () => {
    world.ask('guest', 1, 'visitor');
    await world.auth.answer({ type: 'ok', user: 'visitor' });
    await world.registry.answer({ type: 'refused', code: 'name_taken' });
    expect(await world.auth.answer({ type: 'ok', user: 'visitor' })).toEqual({
      type: 'release',
      user: 'visitor',
    });
    world.ask('guest', 2, 'visitor');
    await world.auth.answer({ type: 'ok', user: 'visitor' });
    expect(world.registry.open[0]?.question).toEqual(['attach', 'visitor', true, null]);
    await world.attach(43, 'visitor');
    expect(world.sent.at(-1)).toEqual(['ok', 2, { user: 'visitor', rooms: [] }]);
    expect(world.ask('password', 3, 'old password', 'new password').isDone).toBe(true);
    expect(world.sent.at(-1)).toEqual(refusal(3, 'not_for_guests'));
    world.session.disconnected();
    await world.registry.answer(DONE);
    expect(world.auth.open.map(({ question }) => question)).toEqual([{ type: 'release', user: 'visitor' }]);
    // An auth thread that takes over before it answers must not reserve the name again: nobody would release it.
    expect(world.session.guestName).toBeUndefined();
  });
});

describe('a registration', () => {
  it('is answered when the registry has stored or refused the account', async () => {
    world.ask('register', 1, 'ann', 'secret of ann');
    await world.auth.answer({ type: 'ok', user: 'ann' });
    expect(await world.registry.answer(DONE)).toEqual(['account', 'ann']);
    world.ask('register', 2, 'ben', 'secret of ben');
    await world.auth.answer({ type: 'refused', code: 'name_taken' });
    world.ask('register', 3, 'cat', 'secret of cat');
    await world.auth.answer({ type: 'ok', user: 'cat' });
    await world.registry.answer({ type: 'refused', code: 'unavailable' });
    expect(world.sent).toEqual([['ok', 1], refusal(2, 'name_taken'), refusal(3, 'unavailable')]);
  });
});

describe('a replay', () => {
  async function begin(): Promise<{ isDone: boolean }> {
    const done = world.ask('login', 1, 'ann', 'secret of ann');
    await world.auth.answer({ type: 'ok', user: 'Ann', record: 'record' });
    world.session.attached(42, 'Ann', []);
    await world.registry.answer({ type: 'attached', start: 5 });
    world.sent.length = 0;
    return done;
  }

  it('reads pages with a pause between them, then asks the registry for the rest, with a growing limit', async () => {
    const done = await begin();
    expect(await world.registry.answer({ type: 'behind' })).toEqual(['live', 5, 32_768]);
    expect(await world.pages.answer(replayed('one', 100, false))).toBe(5);
    expect([world.sent, world.pages.open]).toEqual([['one'], []]);
    await vi.advanceTimersByTimeAsync(9);
    expect(world.pages.open).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(await world.pages.answer(replayed('two', 200, true))).toBe(100);
    expect(await world.registry.answer({ type: 'behind' })).toEqual(['live', 200, 65_536]);
    expect(await world.pages.answer(replayed('', 300, true))).toBe(200);
    expect(await world.registry.answer({ type: 'behind' })).toEqual(['live', 300, REPLAY_BYTES]);
    await world.pages.answer(replayed('three', 400, true));
    expect(await world.registry.answer({ type: 'live' })).toEqual(['live', 400, REPLAY_BYTES]);
    expect([world.sent, done.isDone]).toEqual([['one', 'two', 'three'], true]);
  });

  it('disconnects a client that does not accept a page in time', async () => {
    await begin();
    world.drains = false;
    await world.registry.answer({ type: 'behind' });
    await world.pages.answer(replayed('one', 100, false));
    expect(world.sent).toEqual(['one', ['bye', 'too_slow']]);
  });

  it('retries for a while if the archive is gone', async () => {
    await begin();
    await world.registry.answer({ type: 'behind' });
    for (let asked = 0; asked < 150; asked += 1) {
      expect(world.sent).toEqual([]);
      await world.pages.answer({ type: 'gone' });
      await vi.advanceTimersByTimeAsync(100);
    }
    expect([world.pages.open, world.sent]).toEqual([[], [['bye', 'failed']]]);
  });

  it('stops when the client has disconnected', async () => {
    const done = await begin();
    await world.registry.answer({ type: 'behind' });
    world.session.disconnected();
    await world.pages.answer(replayed('one', 100, false));
    expect([world.sent, world.pages.open, done.isDone]).toEqual([[], [], true]);
  });
});

describe('requests to the registry', () => {
  it('are forwarded with their checked arguments, and answered in the order of the registry', async () => {
    await world.login();
    world.ask('send', 2, '#tea', 'hello', 'key');
    world.ask('join', 3, '#tea');
    expect(world.forwarded).toMatchObject([
      { verb: 'send', id: 2, values: ['#tea', 'hello', 'key'] },
      { verb: 'join', id: 3, values: ['#tea'] },
    ]);
    world.session.stored(2, 1_000, 1);
    world.session.answered(['ok', 3, [1_001, [[], null]]]);
    expect(world.sent).toEqual([
      ['stored', 2, 1_000, 1],
      ['ok', 3, [1_001, [[], null]]],
    ]);
  });

  it('wait while a thousand are unanswered, and continue with each answer', async () => {
    await world.login();
    for (let id = 0; id < 1_000; id += 1) {
      expect(world.session.mustPause()).toBe(false);
      world.ask('send', id, '#tea', 'hello');
    }
    expect([world.session.mustPause(), world.resumed]).toEqual([true, 0]);
    world.session.stored(0, 1_000, 1);
    expect([world.session.mustPause(), world.resumed, world.paused]).toEqual([false, 1, []]);
  });

  it('wait while the registry is congested', async () => {
    await world.login();
    world.isCongested = true;
    expect([world.session.mustPause(), world.paused]).toEqual([true, [world.session]]);
    world.isCongested = false;
    expect(world.session.mustPause()).toBe(false);
  });

  it('are refused before login, and if their arguments do not match the verb', async () => {
    world.ask('send', 1, '#tea', 'hello');
    world.ask('dance', 2);
    world.session.handle(undefined);
    world.ask('ping', -1);
    await world.login();
    world.ask('join', 3, 'no room');
    world.ask('join', 4);
    expect(world.forwarded).toEqual([]);
    expect(world.sent).toEqual([refusal(3, 'bad_room'), refusal(4, 'missing_argument')]);
    const codes = world.logged.flatMap(({ code }) => code ?? []);
    expect(codes.slice(0, 4)).toEqual(['not_logged_in', 'unknown_command', 'malformed', 'bad_request_id']);
  });
});

describe('requests to the archive', () => {
  it('wait for earlier requests to the registry, and pause between two pages', async () => {
    await world.login();
    world.ask('send', 2, '#tea', 'hello');
    const done = world.ask('history', 3, '#tea');
    await vi.advanceTimersByTimeAsync(1_000);
    expect(world.archive.open).toEqual([]);
    world.session.stored(2, 1_000, 1);
    await vi.advanceTimersByTimeAsync(0);
    expect(await world.archive.answer(page('the page'))).toMatchObject({ verb: 'history', values: ['#tea'] });
    expect([world.sent, done.isDone]).toEqual([[['stored', 2, 1_000, 1], 'the page'], true]);
    world.ask('search', 4, 'tea');
    await vi.advanceTimersByTimeAsync(9);
    expect(world.archive.open).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    await world.archive.answer({ type: 'timed_out' });
    world.ask('search', 5, 'tea');
    await vi.advanceTimersByTimeAsync(10);
    await world.archive.answer({ type: 'gone' });
    expect(world.sent.slice(2)).toEqual([refusal(4, 'timed_out'), refusal(5, 'unavailable')]);
  });
});

describe('a logout', () => {
  it('waits for earlier answers, revokes the token, leaves, and is answered', async () => {
    await world.login();
    world.ask('send', 2, '#tea', 'hello');
    const done = world.ask('logout', 3);
    await vi.advanceTimersByTimeAsync(0);
    expect(world.auth.open).toEqual([]);
    world.session.stored(2, 1_000, 1);
    await vi.advanceTimersByTimeAsync(0);
    expect(await world.auth.answer({ type: 'ok', user: 'Ann' })).toEqual({
      type: 'end',
      user: 'Ann',
      token: 'token',
    });
    expect([done.isDone, world.sent.length, world.session.isLoggedIn, world.isLimited]).toEqual([
      false,
      1,
      false,
      true,
    ]);
    await world.registry.answer(DONE);
    expect([done.isDone, world.logouts, world.sent.at(-1)]).toEqual([true, 1, ['ok', 3]]);
    expect([world.account, world.session.user, world.session.credential]).toEqual([0, '', undefined]);
    // The client may log in again.
    world.ask('login', 4, 'ben', 'secret of ben');
    expect(world.auth.open).toHaveLength(1);
  });

  it('is refused while auth is unavailable, but retried for a minute if the client has disconnected', async () => {
    await world.login();
    world.ask('logout', 2);
    await vi.advanceTimersByTimeAsync(0);
    await world.auth.answer({ type: 'refused', code: 'unavailable' });
    expect([world.sent, world.session.isLoggedIn]).toEqual([[refusal(2, 'unavailable')], true]);
    world.ask('logout', 3);
    await vi.advanceTimersByTimeAsync(0);
    world.session.disconnected();
    for (let tried = 0; tried < 120; tried += 1) {
      await world.auth.answer({ type: 'refused', code: 'unavailable' });
      await vi.advanceTimersByTimeAsync(500);
    }
    await world.auth.answer({ type: 'refused', code: 'unavailable' });
    await vi.advanceTimersByTimeAsync(500);
    expect(world.auth.open).toEqual([]);
  });
});

describe('the end of a session', () => {
  it('by quit sends earlier answers, then the answer to quit, then the farewell', async () => {
    await world.login();
    world.ask('send', 2, '#tea', 'hello');
    world.ask('quit', 3);
    expect([world.isReading, world.sent]).toEqual([false, []]);
    world.session.stored(2, 1_000, 1);
    expect(world.sent).toEqual([
      ['stored', 2, 1_000, 1],
      ['ok', 3],
      ['bye', 'quit'],
    ]);
    expect(world.registry.open.map(({ question }) => question)).toEqual([['detach']]);
  });

  it.each([
    ['a client that closed its side', undefined, [['bye', 'quit']]],
    ['a stream that cannot be decoded', 'bad_frame', [refusal(null, 'bad_frame'), ['bye', 'bad_frame']]],
  ] as const)('comes after all answers: %s', async (_, fault, expected) => {
    await world.login();
    world.ask('send', 2, '#tea', 'hello');
    world.session.finish(fault);
    expect(world.sent).toEqual([]);
    world.session.stored(2, 1_000, 1);
    expect(world.sent.slice(1)).toEqual(expected);
  });

  it('by close does not wait for answers, and happens once', async () => {
    await world.login();
    world.ask('send', 2, '#tea', 'hello');
    world.session.close('shutdown', 1_000);
    world.session.close('silent');
    world.session.disconnected();
    expect(world.sent).toEqual([['bye', 'shutdown', 1_000]]);
    expect(world.registry.open.map(({ question }) => question)).toEqual([['detach']]);
  });
});

describe('a password change', () => {
  it('ends the sessions that began under the old password, except the one that requested the change', async () => {
    await world.login();
    world.session.passwordChanged({ user: 'ben', record: 'next' }, false);
    world.session.passwordChanged({ user: 'ANN', record: 'next' }, true);
    world.session.passwordChanged({ user: 'ann', record: 'next' }, false);
    expect([world.sent, world.session.credential?.record]).toEqual([[], 'next']);
    world.session.passwordChanged({ user: 'ann', record: 'another' }, false);
    expect(world.sent).toEqual([['bye', 'password_changed']]);
  });

  it('ends a pending login as soon as the registry has attached it', async () => {
    world.ask('login', 1, 'ann', 'secret of ann');
    await world.auth.answer({ type: 'ok', user: 'Ann', record: 'record' });
    world.session.passwordChanged({ user: 'ann', record: 'next' }, false);
    expect(world.sent).toEqual([]);
    world.session.attached(42, 'Ann', []);
    expect(world.sent).toEqual([
      ['ok', 1, { user: 'Ann', rooms: [] }],
      ['bye', 'password_changed'],
    ]);
  });

  it('tells auth which connection of which run of the shard requested it', async () => {
    await world.login();
    world.ask('password', 2, 'secret of ann', 'another secret');
    expect(await world.auth.answer({ type: 'ok', user: 'Ann', record: 'next' })).toMatchObject({
      type: 'change',
      user: 'Ann',
      asking: { shard: 3, connection: 7 },
    });
    expect(world.sent).toEqual([['ok', 2]]);
  });
});

describe('a session', () => {
  it('answers hello and ping, and remembers the promised heartbeat', () => {
    world.ask('hello', 1, { version: 1, heartbeat: 5_000 });
    world.ask('hello', 2, { version: 2 });
    world.ask('ping', 3);
    expect(world.sent).toEqual([
      ['ok', 1, { version: 1, server: 'test', limits: expect.anything() }],
      refusal(2, 'bad_version'),
      ['ok', 3],
    ]);
    expect(world.session.heartbeatMs).toBe(5_000);
  });

  it('logs the first refusals of each minute, and the number of omitted ones', async () => {
    for (let i = 0; i < 25; i += 1) world.ask('join', i, '#tea');
    expect(world.logged).toHaveLength(10);
    await vi.advanceTimersByTimeAsync(60_000);
    world.ask('join', 100, '#tea');
    expect(world.logged.at(-1)).toMatchObject({ event: 'refused', code: 'not_logged_in', omitted: 15 });
    for (let i = 0; i < 12; i += 1) world.ask('join', i, '#tea');
    world.session.disconnected();
    expect(world.logged.at(-1)).toMatchObject({ event: 'refused.omitted', omitted: 3 });
  });
});
