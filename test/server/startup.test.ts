import { chmodSync, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { afterAll, describe, expect, it } from 'vitest';
import { TestClient } from '../support/client.ts';
import { newPaths } from '../support/folder.ts';
import { listen } from '../support/listen.ts';
import { runProcess, until } from '../support/process.ts';
import { findProcesses } from '../support/processes.ts';
import { PARLEY, type RunningServer, startServer } from '../support/server.ts';

const newFolder = newPaths();
const running: RunningServer[] = [];
afterAll(async () => {
  for (const server of running) await server.stop();
});

async function start(args: string[] = [], env: Record<string, string> = {}): Promise<RunningServer> {
  const server = await startServer({ data: newFolder(), args, env });
  running.push(server);
  return server;
}

/** Runs a server that must not start. */
async function fail(
  args: string[],
  env: Record<string, string> = {},
): Promise<[code: number | null, text: string]> {
  const server = runProcess(process.execPath, [PARLEY, 'serve', ...args], {
    env: { ...process.env, ...env },
  });
  const { code } = await server.exit();
  expect(server.stdout()).toBe('');
  return [code, server.stderr().trim()];
}

describe('options', () => {
  it('prefers a flag to the environment, and the environment to the default', async () => {
    const server = await start(['--guests', '--log-level', 'info'], {
      PARLEY_HOST: '127.0.0.2',
      PARLEY_LOG_LEVEL: 'fatal',
    });
    expect(server.address).toMatch(/^127\.0\.0\.2:\d+$/);
    const client = await TestClient.connect(server.address);
    await client.ok('guest', 'visitor');
    await until('a line of the log', () => server.stderr().includes('"event":"guest"'));
  });

  it.each([
    [['--port', 'abc'], {}, 'port'],
    [['--port', '65536'], {}, 'port'],
    [['--port', '-1'], {}, 'port'],
    [['--workers', '0'], {}, 'workers'],
    [['--workers', '1.5'], {}, 'workers'],
    [['--hash-workers', 'many'], {}, 'hash-workers'],
    [['--log-level', 'loud'], {}, 'log-level'],
    [['--host', '[::1]:4040'], {}, '--port'],
    [['--host', 'localhost:4040'], {}, '--port'],
    [['--host', '[127.0.0.1]'], {}, 'host'],
    [['--host', '[::1'], {}, 'host'],
    [[], { PARLEY_HOST: '' }, 'PARLEY_HOST'],
    [['--prot', '1'], {}, '--port'],
    [[], { PARLEY_PORT: 'x' }, 'PARLEY_PORT'],
    [[], { PARLEY_GUESTS: 'perhaps' }, 'PARLEY_GUESTS'],
    [['extra'], {}, 'argument'],
  ])('refuses %j %j with exit code 2', async (args, env, named) => {
    const [code, text] = await fail(args, env);
    expect(code).toBe(2);
    expect(text).toContain(named);
  });

  it('lists everything in --help', async () => {
    const help = runProcess(process.execPath, [PARLEY, 'serve', '--help']);
    expect((await help.exit()).code).toBe(0);
    for (const name of ['host', 'port', 'workers', 'hash-workers', 'data', 'guests', 'log-level']) {
      expect(help.stdout()).toContain(`--${name}`);
      expect(help.stdout()).toContain(`PARLEY_${name.toUpperCase().replace('-', '_')}`);
    }
  });

  it.each(['::1', '[::1]'])('listens on IPv6 too: --host %s', async (host) => {
    const server = await start(['--host', host]);
    expect(server.address).toMatch(/^\[::1\]:\d+$/);
    const client = await TestClient.connect(`[::1]:${server.port}`);
    await client.ok('ping');
    await until('the log', () => server.stderr().includes('"address":"::1"'));
  });

  it('recognises IPv4 addresses on a dual-stack listener, and says how to connect', async () => {
    const server = await start(['--host', '[::]', '--workers', '2']);
    expect(server.address).toMatch(/^\[::\]:\d+$/);
    expect(server.stdout()).toContain(`connect with: parley connect [::1]:${server.port}\n`);
    const client = await TestClient.connect(`127.0.0.1:${server.port}`);
    await client.ok('ping');
    await until('the log', () => server.stderr().includes('"address":"127.0.0.1"'));
    expect(server.stderr()).not.toContain('ffff');
  });
});

describe('an obstacle gets one clear line and an exit code', () => {
  it('a port in use', async () => {
    const other = createServer();
    const port = String(await listen(other));
    const [code, text] = await fail(['--port', port, '--data', newFolder()]);
    other.close();
    expect(code).toBe(69);
    expect(text).toBe(
      `parley: 127.0.0.1:${port} is in use by another program; stop that program, or choose another --port`,
    );
  });

  it('a data folder in use', async () => {
    const data = newFolder();
    const server = await startServer({ data });
    const [code, text] = await fail(['--port', '0', '--data', data]);
    expect(code).toBe(69);
    expect(text).toBe(
      `parley: data folder ${data} is in use by another server; stop that server, or choose another --data`,
    );
    await server.kill();
    await (await startServer({ data })).stop();
  });

  it('a data folder that others can read', async () => {
    const data = newFolder();
    mkdirSync(data);
    chmodSync(data, 0o755);
    const [code, text] = await fail(['--port', '0', '--data', data]);
    expect(code).toBe(77);
    expect(text).toContain(`chmod 700 ${data}`);
    expect(existsSync(`${data}/chat.db`)).toBe(false);
  });

  it('a data folder that is a file', async () => {
    const data = newFolder();
    writeFileSync(data, 'a file');
    const [code, text] = await fail(['--port', '0', '--data', data]);
    expect(code).toBe(77);
    expect(text).toContain(data);
  });

  it.each(['/proc/x', '/proc/x/y'])('a data folder that cannot be created: %s', async (data) => {
    const [code, text] = await fail(['--port', '0', '--data', data]);
    expect(code).toBe(77);
    expect(text).toMatch(/^parley: data folder \/proc\/x\S* cannot be used: /);
  });

  it('a users.txt with damage in the middle: names the line, and leaves the file alone', async () => {
    const data = newFolder();
    const server = await startServer({ data });
    await TestClient.register(server.address, 'ann');
    await server.stop();
    const users = `${data}/users.txt`;
    const before = await import('node:fs/promises').then((fs) => fs.readFile(users, 'utf8'));
    const record = before.split('\n')[1] ?? '';
    writeFileSync(users, `${before}garbage\n${record.replace('ann', 'ben')}\n`);
    const [code, text] = await fail(['--port', '0', '--data', data]);
    expect(code).toBe(77);
    expect(text).toMatch(/users\.txt.*line 3/);
    expect(text).not.toContain('$argon2id');
  });

  it('a chat.db that is not a database', async () => {
    const data = newFolder();
    mkdirSync(data, { mode: 0o700 });
    writeFileSync(`${data}/chat.db`, 'this is not a database, it only looks like a file');
    const [code, text] = await fail(['--port', '0', '--data', data]);
    expect(code).toBe(1);
    expect(text).toContain('chat.db');
  });

  it('an address that this machine does not have', async () => {
    const [code, text] = await fail(['--host', '192.0.2.1', '--data', newFolder()]);
    expect(code).toBe(69);
    expect(text).toContain('192.0.2.1');
  });
});

describe('the end', () => {
  it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
    '%s: clients are told, exit code 0, within 5 s',
    async (signal) => {
      const server = await startServer({ data: newFolder(), args: ['--workers', '2'] });
      const clients = await Promise.all(
        ['ann', 'ben', 'cat'].map((n) => TestClient.register(server.address, n)),
      );
      const stranger = await TestClient.connect(server.address);
      await stranger.ok('ping');
      const started = performance.now();
      server.child.kill(signal);
      await until('the end', () => server.child.exitCode !== null);
      expect(performance.now() - started).toBeLessThan(5_000);
      expect(server.child.exitCode).toBe(0);
      for (const client of [...clients, stranger]) {
        await client.closed();
        const bye = client.events.at(-1);
        expect(bye?.slice(0, 2)).toEqual(['bye', 'shutdown']);
        expect(bye?.[3]).toBeGreaterThan(0);
      }
    },
  );

  it('a terminal that is closed may send SIGHUP more than once', async () => {
    const server = await startServer({ data: newFolder() });
    const client = await TestClient.register(server.address, 'ann');
    for (let i = 0; i < 3; i += 1) server.child.kill('SIGHUP');
    await client.closed();
    expect(client.events.at(-1)?.slice(0, 2)).toEqual(['bye', 'shutdown']);
    await until('the end', () => server.child.exitCode !== null);
    expect(server.child.exitCode).toBe(0);
  });

  it('SIGHUP under nohup is ignored', async () => {
    const command = 'nohup "$@"; exit $?';
    const args = ['-c', command, 'bash', process.execPath, PARLEY, 'serve', '--port', '0', '--data'];
    const data = newFolder();
    const shell = runProcess('bash', [...args, data], { detached: true });
    const address = await until('the server', () => /listening on (\S+)/.exec(shell.stdout())?.[1]);
    const client = await TestClient.connect(address);
    const [pid = 0] = findProcesses(data);
    process.kill(pid, 'SIGHUP');
    for (let i = 0; i < 10; i += 1) await client.ok('ping');
    process.kill(pid, 'SIGTERM');
    await client.closed();
    expect(await shell.exit()).toEqual({ code: 0, signal: null });
    expect(shell.stderr()).toContain('"cause":"SIGTERM"');
  });

  it('a server that is still starting exits at once', async () => {
    const data = newFolder();
    const server = runProcess(process.execPath, [PARLEY, 'serve', '--port', '0', '--data', data]);
    await until('the lock of the data folder', () => existsSync(`${data}/lock.db`));
    server.child.kill('SIGTERM');
    expect(await server.exit()).toEqual({ code: 0, signal: null });
    expect(server.stderr()).toMatch(/"event":"server.stopping".*"SIGTERM".*\n.*"event":"server.stopped"/);
  });

  it('a hanging thread does not delay it', async () => {
    const server = await startServer({ data: newFolder(), args: ['--workers', '2'] });
    const client = await TestClient.register(server.address, 'ann');
    server.crash('registry', 'spin');
    client.request('send', 'ann', 'never answered');
    server.child.kill('SIGTERM');
    // The exit code is that of SIGKILL if the thread cannot be terminated in time.
    await until('the end', () => server.child.exitCode === 0 || server.child.signalCode === 'SIGKILL');
    expect(server.stderr()).toMatch(/"event":"server.stopping".*\n(.*\n)*.*"event":"server.cut_off"/);
  });

  it('a client that reads nothing does not delay it', async () => {
    const server = await startServer({ data: newFolder() });
    const client = await TestClient.register(server.address, 'ann');
    client.socket.pause();
    const other = await TestClient.login(server.address, 'ann');
    for (let i = 0; i < 50; i += 1) await other.ok('send', 'ann', 'x'.repeat(8_000));
    const started = performance.now();
    const { code } = await server.stop();
    expect(code).toBe(0);
    expect(performance.now() - started).toBeLessThan(5_000);
    client.close();
  });

  it('a second signal ends it at once', async () => {
    const server = await startServer({ data: newFolder() });
    const client = await TestClient.register(server.address, 'ann');
    client.socket.pause();
    server.child.kill('SIGTERM');
    server.child.kill('SIGINT');
    await until('the end', () => server.child.exitCode !== null, { timeoutMs: 2_000 });
    client.close();
  });
});

it('writes no secret and no text into the log, and keeps its files private', async () => {
  const data = newFolder();
  const server = await startServer({ data, args: ['--log-level', 'trace'] });
  const client = await TestClient.connect(server.address);
  await client.ok('register', 'ann', 'hunter2-secret');
  await client.refused('login', 'ann', 'wrong-secret-x');
  await client.ok('login', 'ann', 'hunter2-secret');
  await client.ok('send', 'ann', 'private words');
  await client.ok('password', 'hunter2-secret', 'another-secret');
  await client.refused('send', 'private-recipient', 'private words');
  await server.stop();
  const log = server.stderr();
  for (const event of [
    'connection.opened',
    'registered',
    'login',
    'refused',
    'password.changed',
    'connection.closed',
  ]) {
    expect(log).toContain(`"event":"${event}"`);
  }
  expect(log).not.toMatch(/secret|private words|argon2/);
  for (const name of ['users.txt', 'chat.db', 'lock.db'])
    expect(statSync(`${data}/${name}`).mode & 0o077).toBe(0);
  expect(statSync(data).mode & 0o777).toBe(0o700);
});
