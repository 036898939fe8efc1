import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { REFUSALS } from '../../src/protocol/vocabulary.ts';
import { TestClient } from '../support/client.ts';
import { testFolder } from '../support/folder.ts';
import { type RunningServer, startServer } from '../support/server.ts';

const data = `${testFolder()}/data`;
let server: RunningServer;
let anonymous: TestClient;
let ann: TestClient;

beforeAll(async () => {
  server = await startServer({ data });
  anonymous = await TestClient.connect(server.address);
  ann = await TestClient.register(server.address, 'ann');
  const ben = await TestClient.register(server.address, 'ben');
  await ben.ok('join', '#ben');
});
afterAll(async () => {
  await server.stop();
});

describe('every refusal has a code of its own and a text', () => {
  it.each<[string, unknown[], keyof typeof REFUSALS]>([
    ['before login: send', ['send', 'ben', 'hi'], 'not_logged_in'],
    ['before login: join', ['join', '#tea'], 'not_logged_in'],
    ['before login: password', ['password', 'old password', 'new password'], 'not_logged_in'],
    ['unknown verb', ['frobnicate'], 'unknown_command'],
    ['the name of a method', ['constructor'], 'unknown_command'],
    ['the name of a method', ['__proto__'], 'unknown_command'],
    ['no arguments', ['login'], 'missing_argument'],
    ['an argument that is null', ['login', null, 'some password'], 'missing_argument'],
    ['one argument too few', ['register', 'somebody'], 'missing_argument'],
    ['a name with a blank', ['register', 'some body', 'a password'], 'bad_name'],
    ['a name that begins with a digit', ['register', '1body', 'a password'], 'bad_name'],
    ['a name of 33 characters', ['register', 'a'.repeat(33), 'a password'], 'bad_name'],
    ['a name that is a number', ['register', 42, 'a password'], 'bad_name'],
    ['a name with a newline', ['register', 'ann\n', 'a password'], 'bad_name'],
    ['a short password', ['register', 'somebody', '1234567'], 'bad_password'],
    ['a password of 257 bytes', ['register', 'somebody', `${'é'.repeat(128)}x`], 'bad_password'],
    ['a password that is a map', ['register', 'somebody', { a: 1 }], 'bad_password'],
    ['a taken name', ['register', 'ANN', 'a password'], 'name_taken'],
    ['a wrong password', ['login', 'ann', 'not her password'], 'wrong_credentials'],
    ['an unknown user', ['login', 'nobody', 'some password'], 'wrong_credentials'],
    ['a guest where none is let in', ['guest', 'visitor'], 'guests_refused'],
    ['another version', ['hello', { version: 99 }], 'bad_version'],
    ['a hello that is a string', ['hello', 'hi'], 'bad_argument'],
    ['a heartbeat that is too fast', ['hello', { heartbeat: 999 }], 'bad_argument'],
    ['a heartbeat that is no whole number', ['hello', { heartbeat: '60000' }], 'bad_argument'],
    ['a last id that is text', ['login', 'ann', 'secret of ann', 'x'], 'bad_argument'],
  ])('%s', async (_, request, code) => {
    const [verb, ...values] = request as [string, ...unknown[]];
    const answer = await anonymous.call(verb, ...values);
    expect(answer.slice(0, 1)).toEqual(['error']);
    expect(answer[2]).toBe(code);
    expect(String(answer[3]).length).toBeGreaterThan(8);
  });

  it.each<[string, unknown[], keyof typeof REFUSALS]>([
    ['a second login', ['login', 'ann', 'secret of ann'], 'already_logged_in'],
    ['registering while logged in', ['register', 'other', 'a password'], 'already_logged_in'],
    ['an unknown recipient', ['send', 'nobody', 'hi'], 'no_such_user'],
    ['an unknown room', ['send', '#nowhere', 'hi'], 'no_such_room'],
    ['a room one is not in', ['send', '#ben', 'hi'], 'not_a_member'],
    ['leaving a room one is not in', ['leave', '#ben'], 'not_a_member'],
    ['leaving an unknown room', ['leave', '#nowhere'], 'no_such_room'],
    ['who in an unknown room', ['who', '#nowhere'], 'no_such_room'],
    ['an empty message', ['send', 'ben', ''], 'bad_text'],
    ['a message of 8193 bytes', ['send', 'ben', 'x'.repeat(8_193)], 'bad_text'],
    ['a message of 8193 bytes in fewer characters', ['send', 'ben', `${'é'.repeat(4_096)}x`], 'bad_text'],
    ['a message that is a number', ['send', 'ben', 7], 'bad_text'],
    ['a recipient with a bad name', ['send', '@ben', 'hi'], 'bad_name'],
    ['a room without #', ['join', 'tea'], 'bad_room'],
    ['a room of 65 characters', ['join', `#${'r'.repeat(64)}`], 'bad_room'],
    ['an empty key', ['send', 'ben', 'hi', ''], 'bad_key'],
    ['a key of 33 bytes', ['send', 'ben', 'hi', 'k'.repeat(33)], 'bad_key'],
    ['a list that goes on after a number', ['rooms', 5], 'bad_argument'],
  ])('%s', async (_, request, code) => {
    const [verb, ...values] = request as [string, ...unknown[]];
    expect(await ann.refused(verb, ...values)).toBe(code);
  });

  it('has a text for every code', () => {
    for (const text of Object.values(REFUSALS)) expect(text).toMatch(/^[a-z].{7,}[a-z0-9]$/);
  });
});

it('takes the largest and the smallest of everything', async () => {
  const name = `L${'o'.repeat(31)}`;
  const password = 'p'.repeat(256);
  const client = await TestClient.connect(server.address);
  await client.ok('register', name, password);
  await client.ok('login', name, password);
  const room = `#${'r'.repeat(63)}`;
  await client.ok('join', room);
  const text = '\u{1F600}'.repeat(2_048);
  await client.ok('send', room, text, 'k'.repeat(32));
  await client.ok('send', 'ann', 'x');
  await client.ok('send', name, 'a note to myself');
  expect((await ann.event('message', (e) => e[3] === name))[5]).toBe('x');
  await client.ok('hello', { version: 1, client: 'test', more: [1, 2, 3] }, 'an argument of a later version');
});

it('answers a wrong password and an unknown user alike, in the same time', async () => {
  const time = async (user: string): Promise<number> => {
    const client = await TestClient.connect(server.address);
    const start = performance.now();
    const answer = await client.call('login', user, 'a wrong password');
    expect(answer.slice(2)).toEqual(['wrong_credentials', REFUSALS.wrong_credentials]);
    return performance.now() - start;
  };
  const known: number[] = [];
  const unknown: number[] = [];
  for (let i = 0; i < 6; i += 1) {
    known.push(await time('ann'));
    unknown.push(await time(`nobody${i}`));
  }
  // Hashing takes more than 5 ms anywhere; an answer without it takes less than 2 ms.
  const median = (times: number[]): number => times.sort((a, b) => a - b)[3] ?? 0;
  expect(median(unknown)).toBeGreaterThan(median(known) / 3);
  expect(median(known)).toBeGreaterThan(median(unknown) / 3);
});

it('makes an address wait that has guessed too often, but not who is logged in', async () => {
  const guesser = await TestClient.connect(server.address);
  let code: unknown;
  for (let i = 0; i < 60 && code !== 'too_many_attempts'; i += 1) {
    code = await guesser.refused('login', 'ben', `guess number ${i}`);
  }
  expect(code).toBe('too_many_attempts');
  await ann.ok('ping');
});
