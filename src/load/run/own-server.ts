/** A Parley server for one run, in a process of its own that never outlives this one. */

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
  /** Threads that serve connections; left out: as many as `parley serve` takes by itself. */
  readonly workers?: number | undefined;
  /**
   * A data folder with prepared accounts, which is kept. Left out: one in the system's folder for temporary files (TMPDIR),
   * which is removed with the server. Where that folder is in memory, storing costs less than in life.
   */
  readonly data?: string | undefined;
  /** How many accounts to prepare in the temporary folder, with the default password. */
  readonly accounts?: number | undefined;
  /** What checking their passwords costs; see `prepare.ts`. The least, if left out. */
  readonly cost?: 'usual' | 'cheap' | undefined;
  /** Further arguments of `parley serve`; they count more than those given here. */
  readonly args?: readonly string[];
  readonly startTimeoutMs?: number;
}

export interface OwnServer {
  readonly address: Address;
  readonly pid: number;
  /** Resolves if it ends without being asked to: how, and the end of what it wrote to stderr. Else never. */
  readonly died: Promise<string>;
  /** The end of what it wrote to stderr so far. */
  stderr(): string;
  /** Asks it to end, ends it if it does not, and removes its temporary folder. May be called again, and after its death. */
  stop(): Promise<void>;
}

export type StartedOwnServer =
  | { readonly type: 'started'; readonly server: OwnServer }
  | { readonly type: 'failed'; readonly text: string };

/** A million accounts take a server several seconds to read. */
const START_TIMEOUT_MS = 120_000;
/** A server that is asked to end takes at most 4.8 s for it; see `serve.ts`. */
const STOP_TIMEOUT_MS = 10_000;
/** Characters of stderr that are kept. */
const STDERR_MAX = 16_384;

export async function startOwnServer(options: OwnServerOptions = {}): Promise<StartedOwnServer> {
  const { data, accounts = 0, cost = 'cheap', startTimeoutMs = START_TIMEOUT_MS } = options;
  let folder = '';
  try {
    if (data === undefined) folder = mkdtempSync(join(tmpdir(), 'parley-load-'));
  } catch (error) {
    return { type: 'failed', text: `no folder can be made in ${tmpdir()} (TMPDIR): ${reasonOf(error)}` };
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
  let isAsked = false;
  const stop = async (): Promise<void> => {
    isAsked = true;
    child.kill('SIGTERM');
    const deadline = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await ended;
    clearTimeout(deadline);
    if (folder !== '') rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  };

  const late = Promise.withResolvers<undefined>();
  const deadline = setTimeout(() => late.resolve(undefined), startTimeoutMs);
  const address = await Promise.race([listeningOn(child), ended.then(() => undefined), late.promise]);
  clearTimeout(deadline);
  const { pid } = child;
  if (address === undefined || pid === undefined) {
    const hasEnded = child.exitCode !== null || child.signalCode !== null || pid === undefined;
    const how = hasEnded ? await ended : `it did not listen within ${startTimeoutMs / 1_000} s`;
    await stop();
    return { type: 'failed', text: told(`the server for this run did not start: ${how}`, stderr()) };
  }
  const died = new Promise<string>((resolve) => {
    void ended.then((how) => {
      if (!isAsked) resolve(told(`the server of this run ended: ${how}`, stderr()));
    });
  });
  return { type: 'started', server: { address, pid, died, stderr, stop } };
}

function spawnServer({ workers, data, args = [] }: OwnServerOptions, folder: string): ChildProcess {
  const program = fileURLToPath(threadFile('./child-server.ts', import.meta.url));
  const serve = ['serve', '--host', '127.0.0.1', '--port', '0', '--guests', '--commands-per-second', '0'];
  const rest = ['--log-level', 'warn', ...(workers === undefined ? [] : ['--workers', String(workers)])];
  return spawn(process.execPath, [program, folder, ...serve, ...rest, '--data', data ?? folder, ...args], {
    // The channel ends with this process, however that ends: see `child-server.ts`.
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    // Out of reach of Ctrl-C: a run that is interrupted ends before its server does.
    detached: process.platform !== 'win32',
    windowsHide: true,
    // A PARLEY_… variable of the user would make it another server than the one that the result tells of.
    env: Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^PARLEY_/i.test(name))),
  });
}

/** How the process ended, in words, once everything that it wrote has come. Never rejects. */
function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) =>
      resolve(signal === null ? `exit code ${code}` : `signal ${signal}`),
    );
  });
}

/** Never resolves if it does not get so far. */
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

function told(text: string, stderr: string): string {
  return stderr === '' ? text : `${text}\n${stderr.trimEnd()}`;
}
