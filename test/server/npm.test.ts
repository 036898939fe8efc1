import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { TestClient } from '../support/client.ts';
import { testFolder } from '../support/folder.ts';
import { needs } from '../support/needs.ts';
import { type RunningProcess, runProcess, until } from '../support/process.ts';
import { findProcesses } from '../support/processes.ts';
import { PARLEY } from '../support/server.ts';

const folder = testFolder();
let folders = 0;

interface FromNpm {
  /** What was started: npm, or the process that started npm. */
  readonly starter: RunningProcess;
  readonly address: string;
  readonly data: string;
}

/** Starts a server through a package script: `serve` is its command, `start` runs npm. */
async function startByNpm(script: (serve: string) => string, start = 'exec npm start'): Promise<FromNpm> {
  folders += 1;
  const home = join(folder, String(folders));
  mkdirSync(home);
  const data = join(home, 'data');
  const serve = `'${process.execPath}' '${PARLEY}' serve --port 0 --data '${data}'`;
  writeFileSync(join(home, 'package.json'), JSON.stringify({ scripts: { start: script(serve) } }));
  const starter = runProcess('sh', ['-c', start], { cwd: home });
  onTestFinished(() => {
    for (const pid of findProcesses(data)) process.kill(pid, 'SIGKILL');
    starter.child.kill('SIGKILL');
  });
  const address = await until('the server', () => /listening on (\S+:\d+)/.exec(starter.stdout())?.[1], {
    state: starter.stderr,
  });
  return { starter, address, data };
}

async function expectGoodbye({ address, data }: FromNpm, end: () => void): Promise<void> {
  const client = await TestClient.connect(address);
  await client.ok('ping');
  end();
  await client.closed();
  expect(client.events.at(-1)?.slice(0, 2)).toEqual(['bye', 'shutdown']);
  await until('the end of the server', () => findProcesses(data).length === 0);
}

/** Longer than a server takes to notice that npm is gone. */
async function expectToGoOn({ address }: FromNpm): Promise<void> {
  const client = await TestClient.connect(address);
  const from = performance.now();
  while (performance.now() - from < 2_000) {
    await client.ok('ping');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

describe('a server that npm has started', () => {
  needs('npm');

  it.each(['SIGTERM', 'SIGHUP', 'SIGKILL'] as const)('ends with npm, which gets %s', async (signal) => {
    const started = await startByNpm((serve) => serve);
    await expectGoodbye(started, () => started.starter.child.kill(signal));
  });

  it('exits with the shell that npm started', async () => {
    const started = await startByNpm((serve) => serve);
    const [server = 0] = findProcesses(started.data);
    const shell = Number(readFileSync(`/proc/${server}/stat`, 'utf8').split(' ')[3]);
    await expectGoodbye(started, () => process.kill(shell, 'SIGKILL'));
  });

  it('continues if the script leaves it running', async () => {
    const started = await startByNpm((serve) => `${serve} & sleep 2`);
    await until('the end of npm', () => started.starter.child.exitCode !== null);
    await expectToGoOn(started);
  });

  it('continues if the shell that started npm is gone', async () => {
    const started = await startByNpm((serve) => serve, 'npm start & sleep 2');
    await until('the end of the shell', () => started.starter.child.exitCode !== null);
    await expectToGoOn(started);
  });
});

it('a server that npm does not wait for continues, whatever npm’s environment says', async () => {
  folders += 1;
  const data = join(folder, String(folders));
  const serve = `'${process.execPath}' '${PARLEY}' serve --port 0 --data '${data}'`;
  const starter = runProcess('sh', ['-c', `${serve} & sleep 2`], {
    env: { ...process.env, npm_lifecycle_event: 'test', npm_lifecycle_script: 'vitest run' },
  });
  onTestFinished(() => {
    for (const pid of findProcesses(data)) process.kill(pid, 'SIGKILL');
  });
  const address = await until('the server', () => /listening on (\S+:\d+)/.exec(starter.stdout())?.[1]);
  await until('the end of the shell', () => starter.child.exitCode !== null);
  await expectToGoOn({ starter, address, data });
});
