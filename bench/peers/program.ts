/** Programs that listen on a port once they have started. */

import { connect, createServer } from 'node:net';
import { type RunningProcess, runProcess, until } from '../../test/support/process.ts';
import type { RunningPeer } from './peer.ts';

const START_MS = 15_000;
const STOP_MS = 10_000;
const VERSION_MS = 5_000;

/** What the pattern's first group finds in what `program --version` says. */
export async function versionOf(program: string, pattern: RegExp): Promise<string> {
  const asked = runProcess(program, ['--version'], { stdio: ['ignore', 'pipe', 'pipe'] });
  await asked.exit(VERSION_MS);
  return pattern.exec(`${asked.stdout()}${asked.stderr()}`)?.[1] ?? 'unknown';
}

/** A port of 127.0.0.1 that nobody had a moment ago, for programs that cannot find one for themselves. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (typeof address !== 'object' || address === null) throw new Error('a server without a port');
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
  // Whatever ends this process ends that one too.
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  child.once('close', () => process.off('exit', kill));
  try {
    const listening = await until(
      `${file} to listen`,
      () => {
        if (child.exitCode !== null || child.signalCode !== null)
          throw new Error(`${file} ended\n${saidBy(started)}`);
        return port === undefined ? printedPort(started.stdout()) : isListening(port);
      },
      { timeoutMs: START_MS, state: () => saidBy(started) },
    );
    if (child.pid === undefined) throw new Error(`${file} has no process`);
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

function saidBy({ stdout, stderr }: RunningProcess): string {
  return `${stdout()}${stderr()}`;
}

function printedPort(text: string): number | undefined {
  const port = /^listening on \S+:(\d+)$/m.exec(text)?.[1];
  return port === undefined ? undefined : Number(port);
}

/** The port, if somebody listens there. */
function isListening(port: number): Promise<number | undefined> {
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
