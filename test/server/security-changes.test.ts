/**
 * A password change, a logout, the removal of an account: each takes effect when it is on disk, whoever is still
 * connected.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it, onTestFinished } from 'vitest';
import { TestClient } from '../support/client.ts';
import { until } from '../support/process.ts';
import { type RunningServer, startServer } from '../support/server.ts';
import { type ServerRun, serverRuns } from '../support/server-runs.ts';

const run = serverRuns();

async function register(server: RunningServer, ...users: string[]): Promise<void> {
  const client = await TestClient.connect(server.address);
  for (const user of users) await client.ok('register', user, `secret of ${user}`);
  client.close();
}

/** Logs in; also returns the token. */
async function comeIn(server: RunningServer, user: string): Promise<{ client: TestClient; token: string }> {
  const client = await TestClient.connect(server.address);
  const result = await client.ok('login', user, `secret of ${user}`);
  await client.event('live');
  if (typeof result !== 'object' || result === null || !('token' in result)) throw new Error('no token');
  return { client, token: String(result.token) };
}

/** Waits until the user's password record on disk is the second one. */
function changed({ data }: ServerRun, user: string): Promise<unknown> {
  return until('the new record', () => {
    const records = readFileSync(`${data}/users.txt`, 'utf8').match(new RegExp(`^${user} .*\n`, 'gm'));
    return records?.length === 2;
  });
}

async function refusesToken(server: RunningServer, user: string, token: string): Promise<void> {
  const client = await TestClient.connect(server.address);
  await until('the token to have ended', async () => {
    const answer = await client.call('resume', user, token, 0);
    if (answer[0] === 'ok') await client.ok('quit');
    return answer[2] === 'bad_token' || (answer[0] === 'ok' && expect.fail('the token lets in'));
  });
  client.close();
}

function restarted(server: RunningServer, thread: string): Promise<unknown> {
  const line = new RegExp(`"thread.restarted".*"child":"${thread}"`);
  return until(`${thread} to be restarted`, () => line.test(server.stderr()));
}

describe('a password change', () => {
  it('ends the other sessions even if the requesting connection is reset meanwhile', async () => {
    const at = await run('--workers', '2');
    const delays = [0, 2, 5, 10, 15, 20, 25, 30];
    const users = delays.map((delay) => `user${delay}`);
    await register(at.server, ...users);
    for (const delay of delays) {
      const user = `user${delay}`;
      const thieves = [await comeIn(at.server, user), await comeIn(at.server, user)];
      const { client: owner } = await comeIn(at.server, user);
      const asked = owner.request('password', `secret of ${user}`, 'another secret');
      await new Promise((resolve) => setTimeout(resolve, delay));
      owner.socket.resetAndDestroy();
      const isAnswered = owner.answers.has(asked);
      // A request that is reset before it is read is not carried out.
      if (delay < 5 && !isAnswered) {
        const other = await TestClient.connect(at.server.address);
        const isOld = (await other.call('login', user, `secret of ${user}`))[0] === 'ok';
        other.close();
        if (isOld) continue;
      }
      await changed(at, user);
      for (const { client, token } of thieves) {
        expect(await client.event('bye')).toMatchObject({ 1: 'password_changed' });
        await client.closed();
        await refusesToken(at.server, user, token);
      }
    }
  });

  it('ends the other sessions even if the registry dies at that moment', async () => {
    const at = await run('--workers', '2');
    await register(at.server, 'ann');
    const thief = await comeIn(at.server, 'ann');
    const { client: owner } = await comeIn(at.server, 'ann');
    at.server.crash('registry');
    const asked = owner.request('password', 'secret of ann', 'another secret');
    owner.socket.end();
    await changed(at, 'ann');
    await thief.client.closed();
    await restarted(at.server, 'registry');
    expect((await owner.answer(asked))[0]).toBe('ok');
    const again = await TestClient.login(at.server.address, 'ann', 'another secret');
    expect(await again.ok('who')).toEqual([[['ann', true]], null]);
  });
});

describe('a logout', () => {
  it('revokes the token even if the connection is reset while it waits for earlier answers', async () => {
    const { server, data } = await run('--workers', '2');
    await register(server, 'ann');
    const { client: ann, token } = await comeIn(server, 'ann');
    const { client: other } = await comeIn(server, 'ann');
    const lock = new DatabaseSync(`${data}/chat.db`);
    lock.exec('BEGIN IMMEDIATE');
    ann.request('send', 'ann', 'a last note');
    ann.request('logout');
    await other.ok('ping');
    ann.socket.resetAndDestroy();
    const closed = /"event":"connection.closed"/g;
    await until('the end in the log', () => [...server.stderr().matchAll(closed)].length === 2);
    lock.close();
    await other.event('message');
    await refusesToken(server, 'ann', token);
  });
});

describe('the removal of an account', () => {
  it('revokes its tokens, even if the same line is restored later', async () => {
    const { server, data } = await run();
    await register(server, 'ann', 'ben');
    const [ann, ben] = [await comeIn(server, 'ann'), await comeIn(server, 'ben')];
    await server.stop();
    const users = readFileSync(`${data}/users.txt`, 'utf8');
    writeFileSync(`${data}/users.txt`, `${users}ann - 2030-01-01T00:00:00Z\n`);
    const without = await startServer({ data });
    await refusesToken(without, 'ann', ann.token);
    await without.stop();
    writeFileSync(`${data}/users.txt`, users);
    const again = await startServer({ data });
    onTestFinished(async () => void (await again.kill()));
    await refusesToken(again, 'ann', ann.token);
    const client = await TestClient.connect(again.address);
    await client.ok('resume', 'ben', ben.token, 0);
  });
});
