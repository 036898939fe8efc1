/**
 * The server, put together: options → data folder → threads → channels between them → listen; and the way back.
 * Which threads there are, and which talk to which, is said here and nowhere else.
 */

import { createServer } from 'node:net';
import type { Logger } from 'pino';
import type { ArchiveData, ArchiveThreadApi } from './actors/archive.worker.ts';
import type { AuthData, AuthThreadApi } from './actors/auth.worker.ts';
import { link } from './actors/channel.ts';
import { type Crash, testNumber } from './actors/crash.ts';
import { LOOK_EVERY_MS, watchPeers } from './actors/peer-watch.ts';
import type { RegistryApi, RegistryData } from './actors/registry.worker.ts';
import type { ShardApi, ShardData } from './actors/shard.worker.ts';
import {
  type ChildSpec,
  type ChildStart,
  RESTART_POLICY,
  type Supervisor,
  supervise,
} from './actors/supervisor.ts';
import { startThread, type Thread, threadFile } from './actors/thread.ts';
import { WATCHDOG_MS } from './actors/watchdog.ts';
import { EXIT, type ExitCode } from './exit.ts';
import type { LogLevel } from './log.ts';
import { type DataFolder, openDataFolder } from './store/data-folder.ts';
import type { Endpoints } from './transport/socket-table.ts';
import { VERSION } from './version.ts';

export interface ServerOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly workers: number;
  readonly hashWorkers: number;
  readonly data: string;
  readonly guests: boolean;
  readonly logLevel: LogLevel;
  /** How old messages may become, in milliseconds; Infinity to keep them for ever. */
  readonly keepMs: number;
  /** Bytes that may wait for one client that reads slowly. */
  readonly outboxLimit: number;
  /** Commands a second that one connection may send in the long run; 0 for no limit. */
  readonly commandsPerSecond: number;
}

export type StartedServer =
  | { readonly type: 'listening'; readonly server: Server }
  | { readonly type: 'refused'; readonly exitCode: ExitCode; readonly text: string };

export interface Server {
  readonly address: string;
  /** Resolves when the server cannot go on. */
  readonly failed: Promise<Error>;
  /** Takes no new connections, says goodbye to all clients, and ends. */
  stop(): Promise<void>;
  /** Makes a thread, or a part of it, go wrong; for tests. */
  crash(thread: string, how: Crash, part?: string): boolean;
}

/** A client that is sent away by a shutdown may come back after this long. */
const RETRY_AFTER_MS = 1_000;
const DRAIN_TIMEOUT_MS = 4_000;
const UNWATCHED =
  'cannot look for peers that are gone: a connection whose network is cut may stay open for 15 minutes or more';
const GUARDED = { watchdogMs: WATCHDOG_MS };

export async function startServer(options: ServerOptions, log: Logger): Promise<StartedServer> {
  const opened = openDataFolder(options.data);
  if (opened.type === 'refused') {
    const exitCode = opened.code === 'in_use' ? EXIT.unavailable : EXIT.refused;
    return { type: 'refused', exitCode, text: opened.text };
  }
  const { folder } = opened;
  const claimed = await claimPort(options.host, options.port);
  if (claimed.type === 'refused') {
    folder.unlock();
    return { type: 'refused', exitCode: EXIT.unavailable, text: claimed.text };
  }
  const threads = new Threads({ ...options, port: claimed.port }, folder, log);
  const supervised = await supervise(threads.specs(), RESTART_POLICY, (event) => {
    const fields = { event: `thread.${event.type}`, ...event };
    if (event.type === 'restarted') log.warn(fields, 'thread restarted');
    else log.error({ ...fields, err: errorOf(event) }, `thread ${event.type}`);
  });
  if (supervised.type === 'failed') {
    folder.unlock();
    return { type: 'refused', exitCode: EXIT.failure, text: supervised.error.message };
  }
  const { supervisor } = supervised;
  const unwatchPeers = watchPeers({
    port: claimed.port,
    everyMs: testNumber('PARLEY_TEST_LOOK_EVERY_MS') ?? LOOK_EVERY_MS,
    lost: (peers) => threads.abandon(peers),
    failed: (text) => log.warn({ event: 'peers.unwatched', error: text }, UNWATCHED),
  });
  return {
    type: 'listening',
    server: {
      address: formatAddress(options.host, claimed.port),
      failed: supervisor.gaveUp,
      crash: (name, how, part) => supervisor.crash(name, how, part),
      stop: async () => {
        unwatchPeers();
        await threads.stop(supervisor);
        folder.unlock();
      },
    },
  };
}

function errorOf(event: { readonly reason?: unknown; readonly error?: Error }): Error | undefined {
  if (event.error !== undefined) return event.error;
  const { reason } = event;
  return typeof reason === 'object' && reason !== null && 'error' in reason && reason.error instanceof Error
    ? reason.error
    : undefined;
}

type Shards = Map<number, Thread<ShardApi>>;

/** The threads that are up at present, and the channels between them. */
class Threads {
  readonly #options: ServerOptions;
  readonly #folder: DataFolder;
  readonly #shards: Shards = new Map();
  #registry: Thread<RegistryApi> | undefined;
  #auth: Thread<AuthThreadApi> | undefined;
  #archive: Thread<ArchiveThreadApi> | undefined;
  /** Resolves when the registry has been started, or not: by then there is a `chat.db`, if there can be one. */
  readonly #registryTried = Promise.withResolvers<void>();
  #incarnation = 0;
  readonly #workers: number;

  constructor(options: ServerOptions, folder: DataFolder, log: Logger) {
    this.#options = options;
    this.#folder = folder;
    const canShare = process.platform === 'linux';
    this.#workers = canShare ? options.workers : 1;
    if (!canShare && options.workers > 1) {
      log.warn({ event: 'workers' }, 'several threads cannot listen on one port on this system: running one');
    }
  }

  specs(): ChildSpec[] {
    const shards = Array.from({ length: this.#workers }, (_, index) => ({
      name: `shard-${index + 1}`,
      start: () => this.#startShard(index),
    }));
    return [
      { name: 'registry', start: () => this.#startRegistry().finally(this.#registryTried.resolve) },
      { name: 'auth', start: () => this.#startAuth() },
      { name: 'archive', start: () => this.#startArchive() },
      ...shards,
    ];
  }

  /** Ends the connections to peers that are gone, whichever shard has them. */
  abandon(peers: readonly Endpoints[]): void {
    for (const shard of this.#shards.values()) void shard.call((api) => api.abandon(peers));
  }

  async stop(supervisor: Supervisor): Promise<void> {
    const drained = [...this.#shards.values()].map((shard) =>
      shard.call((api) => api.drain(RETRY_AFTER_MS), DRAIN_TIMEOUT_MS),
    );
    await Promise.all(drained);
    await this.#auth?.call((api) => api.stop(), DRAIN_TIMEOUT_MS);
    await this.#registry?.call((api) => api.stop(), DRAIN_TIMEOUT_MS);
    await supervisor.stop();
  }

  async #startRegistry(): Promise<ChildStart> {
    const { logLevel, keepMs } = this.#options;
    const data: RegistryData = { chatDb: this.#folder.chatDb, keepMs, logLevel };
    const file = threadFile('./actors/registry.worker.ts', import.meta.url);
    const started = await startThread<RegistryApi>('registry', file, data, [], GUARDED);
    if (started.type === 'failed') return started;
    const registry = started.thread;
    this.#registry = registry;
    if (this.#auth !== undefined) await linkAuth(registry, this.#auth);
    await Promise.all([...this.#shards].map(([index, shard]) => linkRegistry(shard, index, registry)));
    return { type: 'started', child: registry };
  }

  async #startAuth(): Promise<ChildStart> {
    const { logLevel, hashWorkers, guests } = this.#options;
    const { usersFile, tokensDb } = this.#folder;
    const data: AuthData = { usersFile, tokensDb, hashWorkers, guests, logLevel };
    const file = threadFile('./actors/auth.worker.ts', import.meta.url);
    const started = await startThread<AuthThreadApi>('auth', file, data, [], GUARDED);
    if (started.type === 'failed') return started;
    const auth = started.thread;
    const refused = await auth.call((api) => api.refusal());
    if (refused.type !== 'answered' || refused.value !== undefined) {
      await auth.kill();
      const text = refused.type === 'answered' ? refused.value : 'the auth thread ended while it started';
      return { type: 'failed', error: new Error(text) };
    }
    this.#auth = auth;
    if (this.#registry !== undefined) await linkAuth(this.#registry, auth);
    await Promise.all([...this.#shards.values()].map((shard) => linkShardToAuth(shard, auth)));
    return { type: 'started', child: auth };
  }

  async #startArchive(): Promise<ChildStart> {
    await this.#registryTried.promise;
    const { chatDb, searchDb } = this.#folder;
    const data: ArchiveData = { chatDb, searchDb, logLevel: this.#options.logLevel };
    const file = threadFile('./actors/archive.worker.ts', import.meta.url);
    const started = await startThread<ArchiveThreadApi>('archive', file, data, [], GUARDED);
    if (started.type === 'failed') return started;
    const archive = started.thread;
    this.#archive = archive;
    await Promise.all([...this.#shards.values()].map((shard) => linkShardToArchive(shard, archive)));
    return { type: 'started', child: archive };
  }

  async #startShard(index: number): Promise<ChildStart> {
    const { logLevel, outboxLimit, commandsPerSecond, host, port } = this.#options;
    const name = `shard-${index + 1}`;
    this.#incarnation += 1;
    const incarnation = this.#incarnation;
    const server = `parley/${VERSION}`;
    const shards = this.#workers;
    const data: ShardData = { name, incarnation, shards, server, outboxLimit, commandsPerSecond, logLevel };
    const file = threadFile('./actors/shard.worker.ts', import.meta.url);
    const started = await startThread<ShardApi>(name, file, data, [], GUARDED);
    if (started.type === 'failed') return started;
    const shard = started.thread;
    this.#shards.set(index, shard);
    void shard.exited.then(() => {
      if (this.#shards.get(index) === shard) this.#shards.delete(index);
    });
    if (this.#registry !== undefined) await linkRegistry(shard, index, this.#registry);
    if (this.#auth !== undefined) await linkShardToAuth(shard, this.#auth);
    if (this.#archive !== undefined) await linkShardToArchive(shard, this.#archive);
    const reusePort = process.platform === 'linux';
    const listened = await shard.call((api) => api.listen({ host, port, reusePort }));
    if (listened.type === 'answered' && listened.value === undefined)
      return { type: 'started', child: shard };
    await shard.kill();
    const text = listened.type === 'answered' ? listened.value : 'the thread ended';
    return {
      type: 'failed',
      error: new Error(`${name} cannot listen on ${formatAddress(host, port)}: ${text}`),
    };
  }
}

function linkAuth(registry: Thread<RegistryApi>, auth: Thread<AuthThreadApi>): Promise<void> {
  return link(
    (port) => registry.call((api) => api.connectAuth(port)),
    (port) => auth.call((api) => api.connectRegistry(port)),
  );
}

function linkRegistry(shard: Thread<ShardApi>, index: number, registry: Thread<RegistryApi>): Promise<void> {
  return link(
    (port) => registry.call((api) => api.connectShard(index, port)),
    (port) => shard.call((api) => api.connectRegistry(port)),
  );
}

function linkShardToAuth(shard: Thread<ShardApi>, auth: Thread<AuthThreadApi>): Promise<void> {
  return link(
    (port) => auth.call((api) => api.connectShard(port)),
    (port) => shard.call((api) => api.connectAuth(port)),
  );
}

function linkShardToArchive(shard: Thread<ShardApi>, archive: Thread<ArchiveThreadApi>): Promise<void> {
  return link(
    (port) => archive.call((api) => api.connectShard(port)),
    (port) => shard.call((api) => api.connectArchive(port)),
  );
}

type Claimed =
  | { readonly type: 'claimed'; readonly port: number }
  | { readonly type: 'refused'; readonly text: string };

/**
 * Binds the port once without sharing it: that finds a port in use, which threads that share it would not, and
 * turns port 0 into a number for all of them.
 */
function claimPort(host: string, port: number): Promise<Claimed> {
  const probe = createServer();
  return new Promise((resolve) => {
    probe.once('error', (error: NodeJS.ErrnoException) => {
      resolve({ type: 'refused', text: explainListen(error, host, port) });
    });
    probe.listen({ host, port, exclusive: true }, () => {
      const address = probe.address();
      const claimed = typeof address === 'object' && address !== null ? address.port : port;
      probe.close(() => resolve({ type: 'claimed', port: claimed }));
    });
  });
}

function explainListen(error: NodeJS.ErrnoException, host: string, port: number): string {
  const address = formatAddress(host, port);
  switch (error.code) {
    case 'EADDRINUSE':
      return `${address} is in use by another program: stop that one, or give another --port`;
    case 'EACCES':
      return `${address} needs more rights than this user has: give a --port of 1024 or more`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `${host} is not an address of this machine: give another --host`;
    default:
      return `cannot listen on ${address}: ${error.message}`;
  }
}

export function formatAddress(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
