/**
 * What a running server does when its files are deleted, moved or replaced: it acknowledges nothing that the next start
 * would not find.
 */

import { appendFileSync, cpSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it, onTestFinished } from 'vitest';
import { TestClient } from '../support/client.ts';
import { testFolder } from '../support/folder.ts';
import { until } from '../support/process.ts';
import { isOnDelayedLog, type RunningServer, startServer } from '../support/server.ts';

const folder = testFolder();
let folders = 0;

interface House {
  readonly data: string;
  readonly server: RunningServer;
  readonly ann: TestClient;
}

async function open(): Promise<House> {
  folders += 1;
  const data = join(folder, `data-${folders}`);
  const server = await startServer({ data, args: ['--workers', '1'] });
  onTestFinished(async () => {
    await server.kill();
  });
  const ann = await TestClient.register(server.address, 'ann');
  await ann.ok('send', 'ann', 'before');
  // The archive answers, so all threads have opened their files.
  await ann.ok('history', 'ann');
  return { data, server, ann };
}

async function logged(server: RunningServer, text: string): Promise<void> {
  await until(`the log to say ${text}`, () => server.stderr().includes(text), { state: server.stderr });
}

async function codeOf(client: TestClient, verb: string, ...values: string[]): Promise<unknown> {
  const answer = await client.call(verb, ...values);
  return answer[0] === 'ok' ? 'ok' : answer[2];
}

/** Sends until it is refused. */
async function untilRefused({ ann }: House): Promise<void> {
  await until(
    'a send to be refused',
    async () => (await codeOf(ann, 'send', 'ann', 'now?')) === 'storage_failed',
  );
}

/** Restarts the server, and reads ann's texts. */
async function textsAfterRestart({ data, server, ann }: House): Promise<unknown[]> {
  ann.close();
  expect((await server.stop()).code).toBe(0);
  const again = await startServer({ data });
  onTestFinished(async () => {
    await again.kill();
  });
  const client = await TestClient.login(again.address, 'ann');
  const [page] = [await client.ok('history', 'ann', null, 100)];
  return Array.isArray(page) && Array.isArray(page[0]) ? page[0].map((message) => message[4]) : [];
}

describe.skipIf(isOnDelayedLog)('a missing folder', () => {
  it('nothing is stored any more, and the log says so', async () => {
    const house = await open();
    rmSync(house.data, { recursive: true });
    await untilRefused(house);
    for (let i = 0; i < 5; i += 1)
      expect(await codeOf(house.ann, 'send', 'ann', 'and now?')).toBe('storage_failed');
    expect(await codeOf(house.ann, 'join', '#room')).toBe('storage_failed');
    const other = await TestClient.connect(house.server.address);
    expect(await codeOf(other, 'register', 'bob', 'secret of bob')).toBe('storage_failed');
    await logged(house.server, `${house.data} is missing: put it back as it was, or restart the server`);
    expect(existsSync(house.data)).toBe(false);
    expect((await house.server.stop()).code).toBe(0);
  });

  it('is noticed even if nobody sends anything', async () => {
    const { data, server } = await open();
    rmSync(data, { recursive: true });
    await logged(server, '"event":"storage_failed"');
    await logged(server, 'users.txt was changed while the server was running');
  });

  it('that returns: everything continues, and nothing is lost', async () => {
    const house = await open();
    renameSync(house.data, `${house.data}-away`);
    await untilRefused(house);
    renameSync(`${house.data}-away`, house.data);
    await until('a send to be taken', async () => (await codeOf(house.ann, 'send', 'ann', 'after')) === 'ok');
    const bob = await TestClient.register(house.server.address, 'bob');
    await bob.ok('send', 'ann', 'from bob');
    await logged(house.server, '"event":"storage_recovered"');
    const texts = await textsAfterRestart(house);
    expect(texts.at(-1)).toBe('before');
    expect(texts).toContain('after');
  });

  it('that is replaced by another: nothing is written to that one', async () => {
    const house = await open();
    renameSync(house.data, `${house.data}-away`);
    cpSync(`${house.data}-away`, house.data, { recursive: true });
    const before = readFileSync(join(house.data, 'users.txt'));
    await untilRefused(house);
    const other = await TestClient.connect(house.server.address);
    expect(await codeOf(other, 'register', 'bob', 'secret of bob')).toBe('storage_failed');
    expect(readFileSync(join(house.data, 'users.txt'))).toEqual(before);
    await logged(house.server, 'the log could not be opened again');
    expect(await codeOf(house.ann, 'send', 'ann', 'still not')).toBe('storage_failed');
  });
});

describe.skipIf(isOnDelayedLog)('a missing file', () => {
  it.each(['chat.db', 'chat.db-wal', 'chat.db-shm', 'lock.db'])(
    '%s: nothing is stored until a restart',
    async (name) => {
      const house = await open();
      for (let i = 0; i < 20; i += 1) await house.ann.ok('send', 'ann', `message ${i}`);
      rmSync(join(house.data, name));
      await untilRefused(house);
      expect(await codeOf(house.ann, 'send', 'ann', 'and now?')).toBe('storage_failed');
      await logged(house.server, `${name} is missing: put it back as it was, or restart the server`);
      expect(existsSync(join(house.data, name))).toBe(false);
      if (name === 'chat.db') return;
      // What was acknowledged is still in the database.
      const texts = await textsAfterRestart(house);
      for (let i = 0; i < 20; i += 1) expect(texts).toContain(`message ${i}`);
      expect(texts).not.toContain('and now?');
    },
  );

  it('chat.db replaced by another file: nothing is stored', async () => {
    const house = await open();
    renameSync(join(house.data, 'chat.db'), join(house.data, 'chat.db.old'));
    writeFileSync(join(house.data, 'chat.db'), '', { mode: 0o600 });
    await untilRefused(house);
    await logged(house.server, 'chat.db was replaced after it was opened');
    expect(readFileSync(join(house.data, 'chat.db'), 'latin1')).toBe('');
    rmSync(join(house.data, 'chat.db'));
    renameSync(join(house.data, 'chat.db.old'), join(house.data, 'chat.db'));
    await until('a send to be taken', async () => (await codeOf(house.ann, 'send', 'ann', 'after')) === 'ok');
  });

  it('chat.db replaced by a backup: the next start has the backup, with nothing of the other mixed in', async () => {
    const first = await open();
    first.ann.close();
    await first.server.stop();
    const backup = join(folder, 'chat.db.backup');
    cpSync(join(first.data, 'chat.db'), backup);
    const server = await startServer({ data: first.data });
    const house = { data: first.data, server, ann: await TestClient.login(server.address, 'ann') };
    for (let i = 0; i < 200; i += 1) await house.ann.ok('send', 'ann', `later ${i}`);
    renameSync(backup, join(house.data, 'chat.db'));
    await untilRefused(house);
    // It has been checked once more: then the log beside it is empty.
    await logged(server, 'the log could not be opened again');
    expect(await textsAfterRestart(house)).toEqual(['before']);
    const db = new DatabaseSync(join(house.data, 'chat.db'));
    expect(db.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' });
    db.close();
  });

  it('tokens.db: a new one is created; old tokens are invalid, and passwords work', async () => {
    const { data, server } = await open();
    const client = await TestClient.connect(server.address);
    const login = await client.ok('login', 'ann', 'secret of ann');
    const token = typeof login === 'object' && login !== null && 'token' in login ? String(login.token) : '';
    rmSync(join(data, 'tokens.db'));
    await until('the token to be refused', async () => {
      const next = await TestClient.connect(server.address);
      return (await codeOf(next, 'resume', 'ann', token)) === 'bad_token';
    });
    expect(existsSync(join(data, 'tokens.db'))).toBe(true);
    const next = await TestClient.connect(server.address);
    expect(await next.ok('login', 'ann', 'secret of ann')).toHaveProperty('token');
  });
});

describe('users.txt edited while the server runs', () => {
  it('a removed account loses its sessions, its tokens and its password', async () => {
    const { data, server, ann } = await open();
    const bob = await TestClient.register(server.address, 'bob');
    const login = await (await TestClient.connect(server.address)).ok('login', 'bob', 'secret of bob');
    const token = typeof login === 'object' && login !== null && 'token' in login ? String(login.token) : '';
    appendFileSync(join(data, 'users.txt'), 'bob - 2026-11-22T06:15:38Z\n');
    await bob.closed();
    const other = await TestClient.connect(server.address);
    expect(await codeOf(other, 'login', 'bob', 'secret of bob')).toBe('wrong_credentials');
    expect(await codeOf(other, 'resume', 'bob', token)).toBe('bad_token');
    expect(await codeOf(ann, 'send', 'bob', 'are you there?')).toBe('no_such_user');
    expect(await codeOf(ann, 'send', 'ann', 'chat goes on')).toBe('ok');
  });
});
