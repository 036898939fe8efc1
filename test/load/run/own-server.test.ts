import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { formatAddress } from '../../../src/common/address.ts';
import { type OwnServer, type OwnServerOptions, startOwnServer } from '../../../src/load/run/own-server.ts';
import { portOwnerOf } from '../../../src/load/run/port-owner.ts';
import { accountName, DEFAULT_PASSWORD } from '../../../src/load/scenario/account.ts';
import { TestClient } from '../../support/client.ts';
import { testFolder } from '../../support/folder.ts';
import { runProcess, until } from '../../support/process.ts';

const folder = testFolder();
const temporary = join(folder, 'tmp');
const module = new URL('../../../src/load/run/own-server.ts', import.meta.url).href;
let servers: OwnServer[] = [];

beforeEach(() => {
  vi.stubEnv('TMPDIR', temporary);
  vi.stubEnv('PARLEY_GUESTS', 'off');
  vi.stubEnv('PARLEY_PORT', '1');
  mkdirSync(temporary, { recursive: true });
});

afterEach(async () => {
  await Promise.all(servers.map((server) => server.stop()));
  servers = [];
  vi.unstubAllEnvs();
});

async function start(options?: OwnServerOptions): Promise<OwnServer> {
  const started = await startOwnServer({ workers: 1, ...options });
  if (started.type === 'failed') throw new Error(started.text);
  servers.push(started.server);
  return started.server;
}

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** What is left in the folder for temporary files. */
const left = (): string[] => readdirSync(temporary).filter((name) => name.startsWith('parley-load-'));

describe('the server of a run', () => {
  it('accepts guests and prepared accounts, and removes its folder when it stops', async () => {
    const server = await start({ accounts: 3 });
    expect(left()).toHaveLength(1);
    if (process.platform === 'linux') expect(portOwnerOf(server.address)).toBe(server.pid);
    const address = formatAddress(server.address);
    const clients = await Promise.all(
      [1, 2, 3].map((number) => TestClient.login(address, accountName(number), DEFAULT_PASSWORD)),
    );
    const guest = await TestClient.connect(address);
    await guest.ok('guest', 'visitor');
    for (const client of [...clients, guest]) client.close();
    expect(server.stderr()).toBe('');
    await server.stop();
    await server.stop();
    expect(isThere(server.pid)).toBe(false);
    expect(left()).toEqual([]);
  });

  it('keeps a folder that it was given', async () => {
    const data = join(folder, 'given');
    const server = await start({ data, args: ['--host', '127.0.0.3'] });
    expect(server.address.host).toBe('127.0.0.3');
    await server.stop();
    expect(existsSync(join(data, 'chat.db'))).toBe(true);
    expect(left()).toEqual([]);
  });

  it('says why it cannot start', async () => {
    const wrong = await startOwnServer({ args: ['--workers', 'many'] });
    expect(wrong).toMatchObject({ type: 'failed', text: expect.stringMatching(/exit code 2\n.*--workers/s) });
    const { address } = await start();
    const taken = await startOwnServer({ args: ['--port', String(address.port)] });
    expect(taken).toMatchObject({ type: 'failed', text: expect.stringMatching(/ in use/) });
    const late = await startOwnServer({ startTimeoutMs: 1 });
    expect(late).toMatchObject({
      type: 'failed',
      text: expect.stringContaining('did not listen within 0.001 s'),
    });
    expect(left()).toHaveLength(1);
  });

  it('reports its death', async () => {
    const server = await start();
    process.kill(server.pid, 'SIGKILL');
    expect(await server.died).toBe('the server of this run ended: signal SIGKILL');
    await server.stop();
    expect(left()).toEqual([]);
  });

  it.each([
    ['is killed', (pid: number) => process.kill(pid, 'SIGKILL')],
    ['is interrupted in its terminal', (pid: number) => process.kill(-pid, 'SIGINT')],
  ])('ends when the run %s', async (_, end) => {
    const script = `
      import(${JSON.stringify(module)}).then(async ({ startOwnServer }) => {
        const { server } = await startOwnServer({ workers: 1, accounts: 1 });
        console.log(server.pid);
      });
    `;
    const run = runProcess(process.execPath, ['-e', script], { detached: true });
    const pid = await until('the server to be up', () => Number(run.stdout()) || undefined, {
      state: run.stderr,
    });
    expect([isThere(pid), left().length]).toEqual([true, 1]);
    end(run.child.pid ?? 0);
    await until('the server and its folder to be gone', () => !isThere(pid) && left().length === 0, {
      state: () => `there: ${isThere(pid)}, left: ${left()}`,
    });
  });

  it('ends when the run is killed while it is starting', async () => {
    const script = `import(${JSON.stringify(module)}).then(({ startOwnServer }) => startOwnServer({ workers: 1 }));`;
    const run = runProcess(process.execPath, ['-e', script]);
    await until('a folder', () => left().length > 0, { state: run.stderr });
    // A moment in the middle of starting: with a tether, and without the server's own signal handlers.
    await new Promise((resolve) => setTimeout(resolve, 300));
    run.child.kill('SIGKILL');
    await until('the folder to be gone', () => left().length === 0);
  });
});
