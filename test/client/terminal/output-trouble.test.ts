import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { TestClient } from '../../support/client.ts';
import { Fifo } from '../../support/fifo.ts';
import { testFolder } from '../../support/folder.ts';
import { passwordFile } from '../../support/parley.ts';
import { type RunningProcess, runProcess } from '../../support/process.ts';
import { PARLEY } from '../../support/server.ts';
import { sharedServer } from '../../support/server-runs.ts';

const folder = testFolder();
const server = sharedServer();
let bob: TestClient;
let users = 0;

beforeAll(async () => {
  bob = await TestClient.register(server.address, 'bob');
});

type Stdio = 'pipe' | 'ignore' | number;

/** A script with one refused line, which then sends Bob a message. */
function startScript(stdout: Stdio, stderr: Stdio, ...flags: string[]): RunningProcess & { said: string } {
  users += 1;
  const user = `user${users}`;
  const args = ['connect', server.address, '--user', user, '--register', '--display', join(folder, user)];
  const login = ['--password-file', passwordFile(folder, `secret of ${user}`)];
  const script = runProcess(process.execPath, [PARLEY, ...args, ...login, ...flags], {
    stdio: ['pipe', stdout, stderr],
  });
  const said = `hello from ${user}`;
  const lines = ['/join tea', '/nonsense', '/leave nowhere', '/rooms', `/msg bob ${said}`];
  for (const line of lines) script.child.stdin?.write(`${line}\n`);
  return { ...script, said };
}

function openFile(path: string, flags: string): number {
  const fd = openSync(path, flags);
  onTestFinished(() => closeSync(fd));
  return fd;
}

function deadFifo(): number {
  const fifo = new Fifo(join(folder, `fifo-${users}`));
  fifo.abandon();
  return fifo.writer;
}

function fullFifo(): number {
  const fifo = new Fifo(join(folder, `fifo-${users}`));
  fifo.fill();
  return fifo.writer;
}

function expectHeard(said: string): Promise<unknown> {
  return bob.event('message', (event) => event[5] === said);
}

const STATES: Array<[string, () => number]> = [
  ['a full device', () => openFile('/dev/full', 'w')],
  ['a descriptor that is only for reading', () => openFile('/dev/null', 'r')],
  ['a pipe whose reader has gone', deadFifo],
  ['a pipe that nobody reads', fullFifo],
];

describe('a script whose stderr cannot be written runs to its end', () => {
  it.each(STATES)('%s', async (_state, open) => {
    const script = startScript('pipe', open());
    await expectHeard(script.said);
    script.child.stdin?.end();
    // Two lines were refused.
    expect(await script.exit()).toEqual({ code: 1, signal: null });
    expect(script.stdout()).toContain('joined #tea');
  });
});

describe('a script whose answers cannot be written runs to its end', () => {
  it.each(STATES.slice(0, 3))('%s', async (state, open) => {
    const script = startScript(open(), 'pipe');
    await expectHeard(script.said);
    script.child.stdin?.end();
    expect((await script.exit()).code).toBe(1);
    expect(script.stderr()).toContain('/nonsense');
    if (!state.includes('gone')) expect(script.stderr()).toContain('cannot write to stdout');
  });

  it('a pipe that nobody reads: it waits for a reader, unless it is interrupted', async () => {
    const script = startScript(fullFifo(), 'pipe');
    await expectHeard(script.said);
    script.child.kill('SIGTERM');
    expect(await script.exit()).toEqual({ code: 130, signal: null });
  });
});

it('the exit code says that JSON events could not be written', async () => {
  const script = startScript(openFile('/dev/full', 'w'), 'pipe', '--json');
  expect((await script.exit()).code).toBe(1);
  expect(script.stderr()).toContain('cannot write to stdout');
});
