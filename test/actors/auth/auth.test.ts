/** The auth actor with its stores, in this thread, with a clock that the test sets. */

import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, it, onTestFinished, vi } from 'vitest';
import { type AuthAnswer, type AuthMsg, auth } from '../../../src/actors/auth/auth.ts';
import type { Credential } from '../../../src/actors/auth/auth-api.ts';
import { HashPool } from '../../../src/actors/auth/hash-pool.ts';
import { type ActorRef, ask, spawn } from '../../../src/actors/kernel/actor.ts';
import { SETTLE_MS, SteadyClock } from '../../../src/common/clock.ts';
import { openTokens, TOKEN_LIFETIME_MS } from '../../../src/store/tokens/tokens.ts';
import { openUsersFile } from '../../../src/store/users/users-file.ts';
import { TestClock } from '../../support/clock.ts';
import { testFolder } from '../../support/folder.ts';

const folder = testFolder();
const DAY_MS = 86_400_000;
const OLD = '2020-02-29T12:34:56Z';
let files = 0;

type Request = AuthMsg extends infer Msg
  ? Msg extends { reply: unknown }
    ? Omit<Msg, 'reply'>
    : never
  : never;

class World {
  readonly clock = new TestClock();
  readonly file: string;
  readonly #actor: ActorRef<AuthMsg>;
  readonly told: Credential[] = [];
  /** The shards have ended the sessions. */
  ended = Promise.withResolvers<void>();

  /** `old`: accounts in clear, which the server imported at `OLD`. */
  static async open(old = ''): Promise<World> {
    files += 1;
    const data = `${folder}/${files}`;
    mkdirSync(data);
    const file = `${data}/users.txt`;
    if (old !== '') writeFileSync(file, old, { mode: 0o600 });
    const warn = (text: string): void => {
      // An import is reported.
      if (old === '') throw new Error(`unexpected: ${text}`);
    };
    const pool = new HashPool(1);
    const hash = (text: string): Promise<string> => pool.hashNow(text);
    const now = (): Date => new Date(OLD);
    const opened = await openUsersFile(file, { hash, warn, now });
    if (opened.type === 'refused') throw new Error(opened.text);
    const tokens = openTokens(`${data}/tokens.db`, { lifetimeMs: TOKEN_LIFETIME_MS, perAccount: 20, warn });
    onTestFinished(async () => {
      tokens.close();
      await opened.store.close();
      await pool.close();
    });
    const parts = { store: opened.store, tokens, pool, guests: false };
    return new World(file, (clock, sessions) => auth({ ...parts, sessions, steady: new SteadyClock(clock) }));
  }

  private constructor(
    file: string,
    make: (clock: TestClock, sessions: Parameters<typeof auth>[0]['sessions']) => ReturnType<typeof auth>,
  ) {
    const passwordChanged = (credential: Credential): Promise<void> => {
      this.told.push(credential);
      return this.ended.promise;
    };
    this.file = file;
    this.#actor = spawn('auth', make(this.clock, { passwordChanged }));
  }

  async ask(request: Request): Promise<AuthAnswer> {
    const outcome = await ask<AuthMsg, AuthAnswer>(this.#actor, (reply) => ({ ...request, reply }), 20_000);
    if (outcome.type !== 'answered') throw new Error(outcome.type);
    return outcome.value;
  }

  register(user: string, address = 'here'): Promise<AuthAnswer> {
    return this.ask({ type: 'register', user, password: `secret of ${user}`, address });
  }

  async login(user: string, password = `secret of ${user}`, address = 'here'): Promise<string> {
    const answer = await this.ask({ type: 'login', user, password, address });
    return answer.type === 'ok' ? (answer.token ?? 'no token') : answer.code;
  }

  async resume(user: string, token: string): Promise<string> {
    const answer = await this.ask({ type: 'resume', user, token });
    return answer.type === 'ok' ? 'ok' : answer.code;
  }

  /** Time passes, and the actor checks the clock every minute. */
  pass(ms: number): void {
    const tick = 60_000;
    for (let left = ms; left > 0; left -= tick) {
      this.clock.pass(Math.min(left, tick));
      this.#actor.tell({ type: 'tick' });
    }
  }
}

it('setting the clock does not end a token, only its age does', async () => {
  const at = await World.open();
  await at.register('ann');
  const token = await at.login('ann');
  at.pass(SETTLE_MS + 60_000);
  at.clock.set(60 * DAY_MS);
  at.pass(4_000);
  expect(await at.resume('ann', token)).toBe('ok');
  const ahead = await at.login('ann');
  at.clock.set(-60 * DAY_MS);
  at.pass(SETTLE_MS + 60_000);
  expect(await at.resume('ann', token)).toBe('ok');
  at.clock.set(-60 * DAY_MS);
  const behind = await at.login('ann');
  at.clock.set(60 * DAY_MS);
  at.pass(SETTLE_MS + 60_000);
  expect(await at.resume('ann', behind)).toBe('ok');
  // All tokens are as valid as if the clock had always been right, and no longer.
  at.clock.pass(TOKEN_LIFETIME_MS - 60_000);
  expect(await at.resume('ann', token)).toBe('ok');
  at.clock.pass(2 * SETTLE_MS);
  expect([await at.resume('ann', ahead), await at.resume('ann', behind)]).toEqual(['bad_token', 'bad_token']);
});

it('registering a taken name counts as a failed login, and registering a free one does not', async () => {
  const at = await World.open();
  await at.register('ann');
  for (let i = 0; i < 40; i += 1) expect((await at.register(`user${i}`, 'many')).type).toBe('ok');
  for (let i = 0; i < 15; i += 1) {
    expect(await at.register('ANN', 'there')).toEqual({ type: 'refused', code: 'name_taken' });
    expect(await at.login('ann', 'a wrong password', 'there')).toBe('wrong_credentials');
  }
  for (const user of ['ann', 'free']) {
    expect(await at.register(user, 'there')).toEqual({ type: 'refused', code: 'too_many_attempts' });
  }
  // Setting the clock does not help.
  onTestFinished(() => void vi.useRealTimers());
  for (const byMs of [DAY_MS, -2 * DAY_MS]) {
    at.clock.set(byMs);
    vi.setSystemTime(Date.now() + byMs);
    expect(await at.login('ann', 'secret of ann', 'there')).toBe('too_many_attempts');
  }
  expect(await at.register('free')).toMatchObject({ type: 'ok', user: 'free' });
});

it('answers a password change once the sessions under the old password have ended', async () => {
  const at = await World.open();
  await at.register('Ann');
  const old = await at.login('ann');
  let answer: AuthAnswer | undefined;
  const asking = { shard: 1, connection: 1 };
  const change = { type: 'change', user: 'ann', password: 'secret of Ann', next: 'another secret' } as const;
  const answered = at.ask({ ...change, address: 'here', asking }).then((given) => {
    answer = given;
  });
  while (at.told.length === 0) await new Promise(setImmediate);
  expect(at.told).toMatchObject([{ user: 'Ann' }]);
  // A request after the commit finds the new password, even while sessions are still ending.
  expect([await at.login('ann', 'secret of Ann'), await at.resume('ann', old)]).toEqual([
    'wrong_credentials',
    'bad_token',
  ]);
  expect(answer).toBeUndefined();
  at.ended.resolve();
  await answered;
  expect(answer).toMatchObject({ type: 'ok', user: 'Ann', record: at.told[0]?.record });
});

it('of two simultaneous changes of one password, the second does not undo the first', async () => {
  const at = await World.open();
  await at.register('ann');
  at.ended.resolve();
  const change = (next: string): Promise<AuthAnswer> =>
    at.ask({
      type: 'change',
      user: 'ann',
      password: 'secret of ann',
      next,
      address: 'here',
      asking: { shard: 1, connection: 1 },
    });
  const answers = await Promise.all([change('the first'), change('the second'), change('the third')]);
  const codes = answers.map((answer) => (answer.type === 'ok' ? 'ok' : answer.code));
  expect(codes[0]).toBe('ok');
  for (const code of codes.slice(1)) expect(['busy', 'wrong_credentials']).toContain(code);
  expect(await at.login('ann', 'the second')).toBe('wrong_credentials');
  expect((await at.login('ann', 'the first')).length).toBeGreaterThan(20);
  expect(await change('too late')).toEqual({ type: 'refused', code: 'wrong_credentials' });
});

it('keeps the time of the registration in users.txt when a password changes', async () => {
  const at = await World.open('ann secret of ann\n');
  at.ended.resolve();
  const asking = { shard: 1, connection: 1 };
  const change = { type: 'change', user: 'ann', password: 'secret of ann', next: 'another secret' } as const;
  await at.ask({ ...change, address: 'here', asking });
  const lines = readFileSync(at.file, 'latin1').trim().split('\n').slice(1);
  expect(lines.map((line) => line.split(' ').at(-1))).toEqual([OLD, OLD]);
  expect(new Set(lines).size).toBe(2);
});

it('does not bring back an account that was removed from users.txt while its new password was hashed', async () => {
  const at = await World.open('ann secret of ann\n');
  at.ended.resolve();
  const asking = { shard: 1, connection: 1 };
  const change = { type: 'change', user: 'ann', password: 'secret of ann', next: 'another secret' } as const;
  const changed = at.ask({ ...change, address: 'here', asking });
  // Their hashes come before that of the new password, and storing the first of them finds the removal.
  const others = Array.from({ length: 40 }, (_, i) => at.register(`user${i}`, 'many'));
  appendFileSync(at.file, 'ann - 2026-11-22T06:15:38Z\n');
  expect(await changed).toMatchObject({ code: 'wrong_credentials' });
  await Promise.all(others);
  expect(await at.login('ann', 'another secret')).toBe('wrong_credentials');
});
