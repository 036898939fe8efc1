/** Starts and stops server programs. */

import { connect, createServer } from 'node:net';
import { type RunningProcess, runProcess, until } from '../../test/support/process.ts';
import type { RunningPeer } from './peer.ts';

const START_MS = 15_000;
const STOP_MS = 10_000;
const VERSION_MS = 5_000;

/** The first group of `pattern` in the output of `program --version`. */
export async function versionOf(program: string, pattern: RegExp): Promise<string> {
  const queried = runProcess(program, ['--version'], { stdio: ['ignore', 'pipe', 'pipe'] });
  await queried.exit(VERSION_MS);
  return pattern.exec(`${outputOf(queried)}`)?.[1] ?? 'unknown';
}

/** A currently unused port of 127.0.0.1, for programs that cannot pick one themselves. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (typeof address !== 'object' || address === null) throw new Error('the listening server has no port');
  return address.port;
}

/** Starts a program that listens on `port`, or on the one that it prints as `listening on 127.0.0.1:PORT`. */
export async function startProgram(
  file: string,
  args: readonly string[],
  { port, cwd, env }: { port?: number; cwd?: string; env?: NodeJS.ProcessEnv | undefined } = {},
): Promise<RunningPeer> {
  const started = runProcess(file, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(cwd === undefined ? {} : { cwd }),
    env: { ...process.env, ...env },
  });
  const { child } = started;
  // The program must not outlive this process.
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  child.once('close', () => process.off('exit', kill));
  try {
    const listening = await until(
      `${file} to listen`,
      () => {
        if (child.exitCode !== null || child.signalCode !== null)
          throw new Error(`${file} exited\n${outputOf(started)}`);
        return port === undefined ? printedPort(started.stdout()) : portIfListening(port);
      },
      { timeoutMs: START_MS, state: () => outputOf(started) },
    );
    if (child.pid === undefined) throw new Error(`${file} has no process id`);
    return {
      pid: child.pid,
      address: `127.0.0.1:${listening}`,
      async stop() {
        child.kill('SIGTERM');
        await started.exit(STOP_MS);
      },
    };
  } catch (error) {
    kill();
    throw error;
  }
}

function outputOf({ stdout, stderr }: RunningProcess): string {
  return `${stdout()}${stderr()}`;
}

function printedPort(text: string): number | undefined {
  const port = /^listening on \S+:(\d+)$/m.exec(text)?.[1];
  return port === undefined ? undefined : Number(port);
}

/** Resolves to the port if something listens on it, and to undefined otherwise. */
function portIfListening(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', timeout: 1_000 });
    const done = (result: number | undefined): void => {
      socket.destroy();
      resolve(result);
    };
    socket.once('connect', () => done(port));
    socket.once('error', () => done(undefined));
    socket.once('timeout', () => done(undefined));
  });
}
