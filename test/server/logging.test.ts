import { connect } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { TestClient } from '../support/client.ts';
import { newPaths } from '../support/folder.ts';
import { runProcess, until } from '../support/process.ts';
import { PARLEY, type RunningServer, startServer } from '../support/server.ts';

const newFolder = newPaths();

async function start(...args: string[]): Promise<RunningServer> {
  const server = await startServer({ data: newFolder(), args });
  onTestFinished(async () => void (await server.kill()));
  return server;
}

type Line = Readonly<Record<string, unknown>>;

function lines(text: string): Line[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

/** The lines with that event, once there is one. */
function logged(server: RunningServer, event: string): Promise<Line[]> {
  return until(event, () => {
    const found = lines(server.stderr()).filter((line) => line.event === event);
    return found.length > 0 && found;
  });
}

describe('connections that never send a byte', () => {
  async function visit(server: RunningServer): Promise<void> {
    const socket = connect(server.port, '127.0.0.1');
    await new Promise((resolve) => socket.once('connect', resolve));
    socket.destroy();
    const client = await TestClient.connect(server.address);
    await client.ok('ping');
    client.close();
    await logged(server, 'connection.closed');
  }

  it('are not logged', async () => {
    const server = await start();
    await visit(server);
    const opened = await logged(server, 'connection.opened');
    expect(opened).toMatchObject([{ connection: 2, address: '127.0.0.1', level: 30 }]);
    await server.stop();
    const events = lines(server.stderr()).flatMap(({ connection, event }) =>
      connection === 1 ? [event] : [],
    );
    expect(events).toEqual([]);
  });

  it('are logged at level debug', async () => {
    const server = await start('--log-level', 'debug');
    await visit(server);
    const silent = await until('its end', () => {
      const found = lines(server.stderr()).filter(({ connection }) => connection === 1);
      return found.at(-1)?.event === 'connection.closed' && found;
    });
    expect(silent[0]).toMatchObject({ event: 'connection.accepted', address: '127.0.0.1' });
    expect(silent.every(({ level }) => level === 20)).toBe(true);
  });
});

it('logs failed logins with name and address, and no secret', async () => {
  const server = await start('--guests');
  const ann = await TestClient.register(server.address, 'ann');
  const thief = await TestClient.connect(server.address);
  await thief.refused('login', 'ann', 'wrong password');
  await thief.refused('resume', 'ann', 'wrong token');
  await thief.refused('login', `eve\u001b[31m\r\n${'x'.repeat(500)}`, 'wrong password');
  const address = '127.0.0.1';
  await until('all of them', async () => (await logged(server, 'login.failed')).length === 3);
  expect(await logged(server, 'login.failed')).toMatchObject([
    { name: 'ann', address, code: 'wrong_credentials' },
    { name: 'ann', address, code: 'bad_token' },
    { name: expect.stringMatching(/^eve\?\[31m\?\?x{54}$/), address, code: 'bad_name' },
  ]);
  await thief.refused('register', 'ANN', 'some password');
  expect(await logged(server, 'register.failed')).toMatchObject([
    { name: 'ANN', address, code: 'name_taken' },
  ]);
  await thief.refused('guest', 'ann');
  expect(await logged(server, 'guest.failed')).toMatchObject([{ name: 'ann', address }]);
  await ann.refused('password', 'wrong password', 'another password');
  expect(await logged(server, 'password.failed')).toMatchObject([{ name: 'ann', address }]);
  expect(server.stderr()).not.toMatch(/wrong (password|token)|(another|some) password/);
});

it('reports once that it is out of file descriptors, and chat continues', async () => {
  const limit = 'ulimit -n 100; exec "$@"';
  const args = ['-c', limit, 'sh', process.execPath, PARLEY, 'serve', '--port', '0', '--data', newFolder()];
  const server = runProcess('sh', args);
  onTestFinished(() => void server.child.kill('SIGKILL'));
  const address = await until('the server', () => /listening on (\S+)/.exec(server.stdout())?.[1]);
  const ann = await TestClient.register(address, 'ann');
  const crowd = await Promise.all(Array.from({ length: 100 }, () => TestClient.connect(address)));
  const report = await until('the report', () => /^.*"open_files.exhausted".*$/m.exec(server.stderr())?.[0]);
  expect(JSON.parse(report)).toMatchObject({
    level: 50,
    code: 'EMFILE',
    msg: expect.stringContaining('ulimit -n'),
  });
  await ann.ok('send', 'ann', 'still here');
  for (const client of crowd) client.close();
  await until('room for another', async () => {
    const client = await TestClient.connect(address);
    const ping = client.request('ping');
    await client.until(() => client.isClosed || client.answers.has(ping), 'an answer or an end');
    client.close();
    return client.answers.has(ping);
  });
  expect(server.stderr().match(/open_files.exhausted/g)).toHaveLength(1);
});
