import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { TestClient } from '../support/client.ts';
import { Fifo } from '../support/fifo.ts';
import { testFolder } from '../support/folder.ts';
import { type RunningProcess, runProcess, until } from '../support/process.ts';
import { findProcesses } from '../support/processes.ts';
import { PARLEY, type RunningServer, startServer } from '../support/server.ts';

const folder = testFolder();
let folders = 0;
function newFolder(): string {
  folders += 1;
  const path = join(folder, String(folders));
  mkdirSync(path, { mode: 0o700 });
  return path;
}

async function start(log: number): Promise<RunningServer> {
  const server = await startServer({ data: newFolder(), args: ['--workers', '2'], log });
  onTestFinished(() => void server.child.kill('SIGKILL'));
  return server;
}

function openFile(path: string, flags: string): number {
  const fd = openSync(path, flags);
  onTestFinished(() => closeSync(fd));
  return fd;
}

/** Two people chat, and nobody is disconnected, while others connect and leave, which is logged. */
async function chat(address: string, round = 1): Promise<void> {
  const ann = await TestClient.register(address, `ann${round}`);
  const ben = await TestClient.register(address, `ben${round}`);
  await ann.ok('join', '#tea');
  await ben.ok('join', '#tea');
  for (let i = 0; i < 10; i += 1) {
    const visitor = await TestClient.connect(address);
    await visitor.refused('send', 'nobody', 'hello');
    visitor.close();
    await ann.ok('send', '#tea', `message ${i}`);
  }
  await ben.until(() => ben.messages().length === 10, 'ten messages');
  await ann.ok('ping');
}

describe('stderr that cannot be written stops nothing', () => {
  const workers = ['--workers', '2'];

  it.each([
    ['a full device', () => openFile('/dev/full', 'w')],
    ['a descriptor that is only for reading', () => openFile('/dev/null', 'r')],
    [
      'a pipe whose reader has gone',
      () => {
        const fifo = new Fifo(join(newFolder(), 'fifo'));
        fifo.abandon();
        return fifo.writer;
      },
    ],
    [
      'a pipe that nobody reads',
      () => {
        const fifo = new Fifo(join(newFolder(), 'fifo'));
        fifo.fill();
        return fifo.writer;
      },
    ],
  ])('%s', async (_state, log) => {
    const server = await start(log());
    await chat(server.address);
    expect(await server.stop()).toEqual({ code: 0, signal: null });
  });

  it('a pipe that blocks its writers and has no reader', async () => {
    // The end of a pipe that `spawn` creates does not block; a shell's does.
    const data = newFolder();
    const script = `"$@" 2>&1 >${data}/stdout | sleep 600`;
    const args = ['-c', script, 'sh', process.execPath, PARLEY, ...serve(data), ...workers];
    const shell = runProcess('sh', args, { detached: true });
    onTestFinished(() => {
      // The group: the shell, the server and the process that does not read.
      process.kill(-(shell.child.pid ?? 0), 'SIGKILL');
    });
    const address = await listening(() => readIfThere(join(data, 'stdout')));
    // 64 KiB fit into the pipe before it blocks.
    for (let round = 1; round <= 25; round += 1) await chat(address, round);
    await endOf(address, data);
  });

  it('closed', async () => {
    const data = newFolder();
    const script = 'exec "$@" 2>&-';
    const server = runProcess('sh', [
      '-c',
      script,
      'sh',
      process.execPath,
      PARLEY,
      ...serve(data),
      ...workers,
    ]);
    await chat(await listening(server.stdout));
    server.child.kill('SIGTERM');
    expect(await server.exit()).toEqual({ code: 0, signal: null });
  });
});

describe('stdout that cannot be written stops nothing', () => {
  it.each([
    ['a full device', '>/dev/full'],
    ['closed', '>&-'],
    ['only for reading', '1</dev/null'],
  ])('%s', async (_state, redirection) => {
    const script = `exec "$@" ${redirection}`;
    const args = ['-c', script, 'sh', process.execPath, PARLEY, ...serve(newFolder())];
    const server = runProcess('sh', args);
    await chat(await addressInLog(server));
    server.child.kill('SIGTERM');
    expect(await server.exit()).toEqual({ code: 0, signal: null });
  });
});

it('reports how many lines were dropped once the log has a reader again, and no line is torn', async () => {
  const fifo = new Fifo(join(newFolder(), 'fifo'));
  const server = await start(fifo.writer);
  await until('the first line', () => fifo.text().includes('"server.listening"'));
  fifo.abandon();
  await chat(server.address);
  fifo.adopt();
  const lines = await until('the report', () => droppedIn(fifo.text()).length > 0 && linesOf(fifo.text()));
  expect(droppedIn(fifo.text())).toHaveLength(1);
  expect(lines.at(-1)).toMatchObject({ event: 'log.dropped', level: 40, lines: expect.any(Number) });
  // Each of the ten visitors causes three lines.
  expect(droppedIn(fifo.text())[0]).toBeGreaterThanOrEqual(30);
  await chat(server.address, 2);
  await until('lines as before', () => fifo.text().includes('"subject":"ann2"'));
  expect((await server.stop()).code).toBe(0);
  expect(linesOf(fifo.text()).at(-1)).toMatchObject({ event: 'server.stopped' });
  expect(droppedIn(fifo.text())).toHaveLength(1);
});

function serve(data: string): string[] {
  return ['serve', '--data', data, '--port', '0'];
}

function readIfThere(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

function listening(printed: () => string): Promise<string> {
  return until('the server to listen', () => /listening on (\S+:\d+)/.exec(printed())?.[1], {
    state: printed,
  });
}

function addressInLog({ stderr }: RunningProcess): Promise<string> {
  return until('the server to listen', () => /"msg":"listening on (\S+:\d+)"/.exec(stderr())?.[1], {
    state: stderr,
  });
}

/** Ends the server that uses this data folder, and waits for that. */
async function endOf(address: string, data: string): Promise<void> {
  const client = await TestClient.connect(address);
  for (const pid of findProcesses(data)) process.kill(pid, 'SIGTERM');
  await client.closed();
  expect(client.events.at(-1)?.slice(0, 2)).toEqual(['bye', 'shutdown']);
  await until('the end', () => findProcesses(data).length === 0);
}

function linesOf(text: string): unknown[] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => JSON.parse(line));
}

function droppedIn(text: string): number[] {
  return Array.from(text.matchAll(/"event":"log.dropped","lines":(\d+)/g), (match) => Number(match[1]));
}
