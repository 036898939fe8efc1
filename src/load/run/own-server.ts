/** Starts a Parley server for one run, in a separate process that never outlives this one. */

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { threadFile } from '../../actors/kernel/thread.ts';
import { type Address, readAddress } from '../../common/address.ts';
import { reasonOf } from '../result/whole-file.ts';
import { prepareAccounts } from './prepare.ts';

export interface OwnServerOptions {
  /** Threads that serve connections; defaults to that of `parley serve`. */
  readonly workers?: number | undefined;
  /**
   * A data folder with prepared accounts, which is kept. By default a temporary folder (in TMPDIR), which is removed with the
   * server. On a tmpfs, storing is cheaper than in production.
   */
  readonly data?: string | undefined;
  /** How many accounts to prepare in the temporary folder, with the default password. */
  readonly accounts?: number | undefined;
  /** The cost of checking their passwords, see `prepare.ts`. Defaults to `cheap`. */
  readonly cost?: 'usual' | 'cheap' | undefined;
  /** Further arguments of `parley serve`, which override those above. */
  readonly args?: readonly string[];
  readonly startTimeoutMs?: number;
}

export interface OwnServer {
  readonly address: Address;
  readonly pid: number;
  /** Resolves only if the server ends without being asked to, with how it ended and the end of its stderr. */
  readonly died: Promise<string>;
  /** The end of its stderr so far. */
  stderr(): string;
  /**
   * Stops the server, kills it if it does not stop, and removes its temporary folder. May be called more than once, also after
   * the server has ended.
   */
  stop(): Promise<void>;
}

export type StartedOwnServer =
  | { readonly type: 'started'; readonly server: OwnServer }
  | { readonly type: 'failed'; readonly text: string };

/** A server needs several seconds to read a million accounts. */
const START_TIMEOUT_MS = 120_000;
/** A server takes at most 4.8 s to stop; see `serve.ts`. */
const STOP_TIMEOUT_MS = 10_000;
/** Most characters of stderr that are kept. */
const STDERR_MAX = 16_384;

export async function startOwnServer(options: OwnServerOptions = {}): Promise<StartedOwnServer> {
  const { data, accounts = 0, cost = 'cheap', startTimeoutMs = START_TIMEOUT_MS } = options;
  let folder = '';
  try {
    if (data === undefined) folder = mkdtempSync(join(tmpdir(), 'parley-load-'));
  } catch (error) {
    return { type: 'failed', text: `cannot create a folder in ${tmpdir()} (TMPDIR): ${reasonOf(error)}` };
  }
  if (folder !== '' && accounts > 0) {
    const prepared = await prepareAccounts({ data: folder, users: accounts, cost });
    if (prepared.type === 'refused') {
      rmSync(folder, { recursive: true, force: true });
      return { type: 'failed', text: prepared.text };
    }
  }
  const child = spawnServer(options, folder);
  const ended = endOf(child);
  const stderr = tailOf(child);
  let isStopping = false;
  const stop = async (): Promise<void> => {
    isStopping = true;
    child.kill('SIGTERM');
    const deadline = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await ended;
    clearTimeout(deadline);
    if (folder !== '') rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  };

  const timeout = Promise.withResolvers<undefined>();
  const deadline = setTimeout(() => timeout.resolve(undefined), startTimeoutMs);
  const address = await Promise.race([listeningOn(child), ended.then(() => undefined), timeout.promise]);
  clearTimeout(deadline);
  const { pid } = child;
  if (address === undefined || pid === undefined) {
    const hasEnded = child.exitCode !== null || child.signalCode !== null || pid === undefined;
    const how = hasEnded ? await ended : `it did not listen within ${startTimeoutMs / 1_000} s`;
    await stop();
    return { type: 'failed', text: withStderr(`the server for this run did not start: ${how}`, stderr()) };
  }
  const died = new Promise<string>((resolve) => {
    void ended.then((how) => {
      if (!isStopping) resolve(withStderr(`the server of this run ended: ${how}`, stderr()));
    });
  });
  return { type: 'started', server: { address, pid, died, stderr, stop } };
}

function spawnServer({ workers, data, args = [] }: OwnServerOptions, folder: string): ChildProcess {
  const program = fileURLToPath(threadFile('./child-server.ts', import.meta.url));
  const serve = ['serve', '--host', '127.0.0.1', '--port', '0', '--guests', '--commands-per-second', '0'];
  const rest = ['--log-level', 'warn', ...(workers === undefined ? [] : ['--workers', String(workers)])];
  return spawn(process.execPath, [program, folder, ...serve, ...rest, '--data', data ?? folder, ...args], {
    // The IPC channel closes when this process ends, however it ends; see `child-server.ts`.
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    // Detached, so that Ctrl-C does not reach it: an interrupted run must end before its server does.
    detached: process.platform !== 'win32',
    windowsHide: true,
    // Without the user's PARLEY_… variables, which would configure a different server than the result describes.
    env: Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^PARLEY_/i.test(name))),
  });
}

/** Resolves to a description of how the process ended, once all its output has been read. Never rejects. */
function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) =>
      resolve(signal === null ? `exit code ${code}` : `signal ${signal}`),
    );
  });
}

/** Resolves when the server listens; never resolves if it fails before. */
function listeningOn(child: ChildProcess): Promise<Address> {
  return new Promise((resolve) => {
    let text = '';
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      text = (text + chunk).slice(0, STDERR_MAX);
      const typed = /^listening on (\S+)$/m.exec(text)?.[1];
      const read = typed === undefined ? undefined : readAddress(typed);
      if (read?.type === 'address') resolve(read.address);
    });
  });
}

function tailOf(child: ChildProcess): () => string {
  let text = '';
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    text = (text + chunk).slice(-STDERR_MAX);
  });
  return () => text;
}

function withStderr(text: string, stderr: string): string {
  return stderr === '' ? text : `${text}\n${stderr.trimEnd()}`;
}
