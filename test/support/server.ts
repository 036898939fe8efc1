/** A real server in its own process, for tests that talk to it as a client would. */

import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Crash } from '../../src/actors/kernel/fault-injection.ts';
import { DEADLINE_MS, type Exit, runProcess, until } from './process.ts';

export const PARLEY = fileURLToPath(new URL('../../bin/parley.js', import.meta.url));

/**
 * True if the servers under test use `delayed-log.ts`. A disk that fails does not refuse commands then: what the distant log
 * has is final, so it waits until it can be stored. Tests of the refusal run on the local log only.
 */
export const isOnDelayedLog = process.env.PARLEY_TEST_LOG !== undefined;

export interface ServerOptions {
  /** The data folder. */
  readonly data: string;
  /** Further arguments of `serve`; a `--port` here replaces `--port 0`. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** A file that receives its stderr; `stderr()` is then empty. */
  readonly log?: number;
}

export interface RunningServer {
  readonly child: ChildProcess;
  /** `127.0.0.1:PORT`, as the server printed it. */
  readonly address: string;
  readonly port: number;
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Sends SIGTERM, and waits for the exit. */
  stop(): Promise<Exit>;
  /** Ends it at once with SIGKILL, as a power cut would. */
  kill(): Promise<Exit>;
  /** Makes one of its threads fail: `shard-1`, `registry`, `auth`, `archive`; `hash` is one of the pool. */
  crash(thread: string, how?: Crash): void;
}

export async function startServer({ data, args = [], env = {}, log }: ServerOptions): Promise<RunningServer> {
  const port = args.includes('--port') ? [] : ['--port', '0'];
  const server = runProcess(process.execPath, [PARLEY, 'serve', '--data', data, ...port, ...args], {
    stdio: ['ignore', 'pipe', log ?? 'pipe', 'ipc'],
    env: { ...process.env, PARLEY_TEST_HOOKS: '1', ...env },
  });
  const address = await until(
    'the server to listen',
    () => {
      if (server.child.exitCode !== null) throw new Error(`the server exited\n${server.stderr()}`);
      return /^listening on (\S+:\d+)$/m.exec(server.stdout())?.[1];
    },
    { state: server.stderr },
  ).catch((error: unknown) => {
    server.child.kill('SIGKILL');
    throw error;
  });
  const end = (signal: NodeJS.Signals): Promise<Exit> => {
    server.child.kill(signal);
    return server.exit(DEADLINE_MS);
  };
  return {
    child: server.child,
    address,
    port: Number(address.slice(address.lastIndexOf(':') + 1)),
    stdout: server.stdout,
    stderr: server.stderr,
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    crash: (thread, how = 'kill') => {
      server.child.send({ crash: thread, how });
    },
  };
}
