/**
 * The server, put together: options → data folder → threads → channels between them → listen; and the way back.
 * The port is opened last, when everything behind it is ready.
 * Which threads there are, and which talk to which, is said here and nowhere else.
 */

import type { Logger } from 'pino';
import type { ArchiveData, ArchiveThreadApi } from '../actors/archive/archive.worker.ts';
import type { AuthData, AuthThreadApi } from '../actors/auth/auth.worker.ts';
import { testNumber } from '../actors/kernel/fault-injection.ts';
import { link } from '../actors/kernel/port-pair.ts';
import {
  type ChildSpec,
  type ChildStart,
  RESTART_POLICY,
  type Supervisor,
  supervise,
} from '../actors/kernel/supervisor.ts';
import { startThread, type Thread, type ThreadOptions, threadFile } from '../actors/kernel/thread.ts';
import { WATCHDOG_MS } from '../actors/kernel/watchdog.ts';
import type { RegistryApi, RegistryData } from '../actors/registry/registry.worker.ts';
import type { Listened, ShardApi, ShardData } from '../actors/shard/shard.worker.ts';
import { EXIT, type ExitCode, Refusal } from '../common/exit.ts';
import type { LogLevel } from '../common/log.ts';
import type { LossyOutput } from '../common/lossy-output.ts';
import { VERSION } from '../common/version.ts';
import { type DataFolder, openDataFolder } from '../store/files/data-folder.ts';
import type { Endpoints } from '../transport/socket-table.ts';
import type { ListenOptions } from '../transport/tcp.ts';
import { LOOK_EVERY_MS, watchPeers } from './peer-watch.ts';
import { checkPort, explainListen, findPortFault, formatAddress, inTurn } from './port.ts';
import { ShardSlot } from './shard-slot.ts';

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
  /** `HOST:PORT`, with the host as it was given. */
  readonly address: string;
  readonly port: number;
  /** Resolves when the server cannot go on. */
  readonly failed: Promise<Error>;
  /** Takes no new connections, says goodbye to all clients, and ends. */
  stop(): Promise<void>;
}

/** A client that is sent away by a shutdown may come back after this long. */
const RETRY_AFTER_MS = 1_000;
const DRAIN_TIMEOUT_MS = 4_000;
const UNWATCHED =
  'cannot look for peers that are gone: a connection whose network is cut may stay open for 15 minutes or more';

/** `output`: where the log lines of all threads go. */
export async function startServer(
  options: ServerOptions,
  log: Logger,
  output: LossyOutput,
): Promise<StartedServer> {
  const opened = openDataFolder(options.data);
  if (opened.type === 'refused') {
    const exitCode = opened.code === 'in_use' ? EXIT.unavailable : EXIT.refused;
    return { type: 'refused', exitCode, text: opened.text };
  }
  const { folder } = opened;
  const refuse = (exitCode: ExitCode, text: string): StartedServer => {
    folder.unlock();
    return { type: 'refused', exitCode, text };
  };
  const { host, port } = options;
  const checked = await checkPort(host, port);
  if (checked.type === 'refused') return refuse(EXIT.unavailable, checked.text);
  const threads = new Threads(options, folder, log, output);
  const supervised = await supervise(threads.specs(), RESTART_POLICY, (event) => {
    const fields = { event: `thread.${event.type}`, ...event };
    if (event.type === 'restarted') log.warn(fields, 'thread restarted');
    else log.error({ ...fields, err: errorOf(event) }, `thread ${event.type}`);
  });
  if (supervised.type === 'failed') {
    const isRefusal = supervised.error instanceof Refusal;
    return refuse(isRefusal ? EXIT.refused : EXIT.failure, supervised.error.message);
  }
  const { supervisor } = supervised;
  const listened = await threads.listen(checked.address);
  if (listened.type !== 'listening') {
    await supervisor.stop();
    const { code, text: message } = listened;
    return refuse(EXIT.unavailable, explainListen({ code, message }, host, port));
  }
  const unwatchPeers = watchPeers({
    port: listened.port,
    everyMs: testNumber('PARLEY_TEST_LOOK_EVERY_MS') ?? LOOK_EVERY_MS,
    lost: (peers) => threads.abandon(peers),
    failed: (text) => log.warn({ event: 'peers.unwatched', error: text }, UNWATCHED),
  });
  return {
    type: 'listening',
    server: {
      address: formatAddress(host, listened.port),
      port: listened.port,
      failed: supervisor.gaveUp,
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

/** The threads that are up at present, and the channels between them. */
class Threads {
  readonly #options: ServerOptions;
  readonly #folder: DataFolder;
  readonly #shards = new Map<number, ShardSlot>();
  readonly #guarded: ThreadOptions;
  #registry: Thread<RegistryApi> | undefined;
  #auth: Thread<AuthThreadApi> | undefined;
  #archive: Thread<ArchiveThreadApi> | undefined;
  /** Resolves when the registry has been started, or not: by then there is a `chat.db`, if there can be one. */
  readonly #registryTried = Promise.withResolvers<void>();
  /** Set when the server is open. */
  #listenOptions: ListenOptions | undefined;
  #incarnation = 0;
  readonly #workers: number;

  constructor(options: ServerOptions, folder: DataFolder, log: Logger, output: LossyOutput) {
    this.#options = options;
    this.#folder = folder;
    this.#guarded = { watchdogMs: WATCHDOG_MS, stderr: (bytes) => output.write(bytes) };
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
    for (const shard of this.#shards.values()) void shard.thread.call((api) => api.abandon(peers));
  }

  /**
   * Opens the port. The first shard listens alone, so that a port that cannot be had is found, and port 0 becomes a number
   * for all. A shard that dies meanwhile is started again, and listens then.
   */
  async listen(address: string): Promise<Listened> {
    const { port } = this.#options;
    const first = this.#shards.get(0);
    if (first === undefined) return { type: 'failed', code: 'gone', text: 'a shard ended while it started' };
    const reusePort = this.#workers > 1;
    const open = (): Promise<Listened> => first.listen({ host: address, port, reusePort });
    const openIfFree = async (): Promise<Listened> => {
      const fault = await findPortFault(address, port);
      return fault === undefined
        ? open()
        : { type: 'failed', code: fault.code ?? 'UNKNOWN', text: fault.message };
    };
    // A port that is shared can be had also if another server shares it.
    const listened = await (reusePort ? inTurn(port, openIfFree) : open());
    if (listened.type === 'failed') return listened;
    const listenOptions = { host: address, port: listened.port, reusePort };
    this.#listenOptions = listenOptions;
    const all = await Promise.all(Array.from(this.#shards.values(), (shard) => shard.listen(listenOptions)));
    return all.find((one) => one.type === 'failed' && one.code !== 'gone') ?? listened;
  }

  async stop(supervisor: Supervisor): Promise<void> {
    const drained = Array.from(this.#shards.values(), ({ thread }) =>
      thread.call((api) => api.drain(RETRY_AFTER_MS), DRAIN_TIMEOUT_MS),
    );
    await Promise.all(drained);
    await this.#auth?.call((api) => api.stop(), DRAIN_TIMEOUT_MS);
    await this.#registry?.call((api) => api.stop(), DRAIN_TIMEOUT_MS);
    await supervisor.stop();
  }

  async #startRegistry(): Promise<ChildStart> {
    const { logLevel, keepMs } = this.#options;
    const { chatDb, lockDb } = this.#folder;
    const data: RegistryData = { chatDb, lockDb, keepMs, logLevel };
    const file = threadFile('../actors/registry/registry.worker.ts', import.meta.url);
    const started = await startThread<RegistryApi>('registry', file, data, [], this.#guarded);
    if (started.type === 'failed') return started;
    const registry = started.thread;
    this.#registry = registry;
    if (this.#auth !== undefined) await linkAuth(registry, this.#auth);
    await Promise.all(Array.from(this.#shards, ([index, shard]) => shard.linkRegistry(index, registry)));
    return { type: 'started', child: registry };
  }

  async #startAuth(): Promise<ChildStart> {
    const { logLevel, hashWorkers, guests } = this.#options;
    const { usersFile, tokensDb } = this.#folder;
    const data: AuthData = { usersFile, tokensDb, hashWorkers, guests, logLevel };
    const file = threadFile('../actors/auth/auth.worker.ts', import.meta.url);
    const started = await startThread<AuthThreadApi>('auth', file, data, [], this.#guarded);
    if (started.type === 'failed') return started;
    const auth = started.thread;
    const refused = await auth.call((api) => api.refusal());
    if (refused.type !== 'answered' || refused.value !== undefined) {
      await auth.kill();
      if (refused.type !== 'answered' || refused.value === undefined) {
        return { type: 'failed', error: new Error('the auth thread ended while it started') };
      }
      const { text, isFault } = refused.value;
      return { type: 'failed', error: isFault ? new Error(text) : new Refusal(text) };
    }
    this.#auth = auth;
    if (this.#registry !== undefined) await linkAuth(this.#registry, auth);
    await Promise.all(Array.from(this.#shards.values(), (shard) => shard.linkAuth(auth)));
    return { type: 'started', child: auth };
  }

  async #startArchive(): Promise<ChildStart> {
    await this.#registryTried.promise;
    const { chatDb, searchDb } = this.#folder;
    const data: ArchiveData = { chatDb, searchDb, logLevel: this.#options.logLevel };
    const file = threadFile('../actors/archive/archive.worker.ts', import.meta.url);
    const started = await startThread<ArchiveThreadApi>('archive', file, data, [], this.#guarded);
    if (started.type === 'failed') return started;
    const archive = started.thread;
    this.#archive = archive;
    await Promise.all(Array.from(this.#shards.values(), (shard) => shard.linkArchive(archive)));
    return { type: 'started', child: archive };
  }

  async #startShard(index: number): Promise<ChildStart> {
    const { logLevel, outboxLimit, commandsPerSecond } = this.#options;
    const name = `shard-${index + 1}`;
    this.#incarnation += 1;
    const incarnation = this.#incarnation;
    const server = `parley/${VERSION}`;
    const shards = this.#workers;
    const data: ShardData = { name, incarnation, shards, server, outboxLimit, commandsPerSecond, logLevel };
    const file = threadFile('../actors/shard/shard.worker.ts', import.meta.url);
    const started = await startThread<ShardApi>(name, file, data, [], this.#guarded);
    if (started.type === 'failed') return started;
    const { thread } = started;
    const shard = new ShardSlot(thread);
    this.#shards.set(index, shard);
    void thread.exited.then(() => {
      if (this.#shards.get(index) === shard) this.#shards.delete(index);
    });
    // Who starts later links this shard by themselves.
    if (this.#registry !== undefined) await shard.linkRegistry(index, this.#registry);
    if (this.#auth !== undefined) await shard.linkAuth(this.#auth);
    if (this.#archive !== undefined) await shard.linkArchive(this.#archive);
    if (this.#listenOptions === undefined) return { type: 'started', child: thread };
    const listened = await shard.listen(this.#listenOptions);
    if (listened.type === 'listening') return { type: 'started', child: thread };
    await thread.kill();
    return { type: 'failed', error: new Error(`${name} cannot listen: ${listened.text}`) };
  }
}

async function linkAuth(registry: Thread<RegistryApi>, auth: Thread<AuthThreadApi>): Promise<void> {
  await link(
    (port) => registry.call((api) => api.connectAuth(port)),
    (port) => auth.call((api) => api.connectRegistry(port)),
  );
}
