/** The running threads: started from the table, linked to each other, opened to clients, finished. */

import { MessageChannel } from 'node:worker_threads';
import type { AuthThreadApi } from '../actors/auth/auth.worker.ts';
import { type Metrics, threadMetrics } from '../actors/kernel/metrics.ts';
import { link } from '../actors/kernel/port-pair.ts';
import type { ChildSpec, ChildStart } from '../actors/kernel/supervisor.ts';
import {
  type Started,
  startThread,
  type Thread,
  type ThreadOptions,
  threadFile,
} from '../actors/kernel/thread.ts';
import type { ThreadApi } from '../actors/kernel/thread-api.ts';
import type { ListenerOptions, ListenResult, ShardApi } from '../actors/shard/shard.worker.ts';
import { Refusal } from '../common/exit.ts';
import type { Endpoints } from '../transport/socket-table.ts';
import { findPortFault, inTurn } from './port.ts';
import { ShardSlot } from './shard-slot.ts';
import { CHANNELS, FINISH_ORDER, type Role, type ThreadRow } from './thread-table.ts';

/** A port to listen on; 0 for any that is free. */
export interface Listener {
  readonly port: number;
  /** The URL of the module that exports the `dialect` that clients of this port speak; native if left out. */
  readonly dialect?: string | undefined;
}

const FINISH_TIMEOUT_MS = 4_000;
const METRICS_TIMEOUT_MS = 2_000;

interface Running {
  readonly row: ThreadRow;
  readonly thread: Thread<ThreadApi>;
  /** For shards: the links they still need. */
  readonly slot: ShardSlot | undefined;
}

export class Threads {
  readonly #table: readonly ThreadRow[];
  readonly #options: ThreadOptions;
  readonly #running = new Map<string, Running>();
  /** Resolved when a thread of the role has started, or failed to. */
  readonly #tried = new Map<Role, PromiseWithResolvers<void>>();
  /** The ports that are open, or being opened. */
  readonly #listeners: ListenerOptions[] = [];

  constructor(table: readonly ThreadRow[], options: ThreadOptions) {
    this.#table = table;
    this.#options = options;
    for (const { role } of table) this.#tried.set(role, Promise.withResolvers());
  }

  specs(): ChildSpec[] {
    return this.#table.map((row) => ({
      name: row.name,
      restart: row.restart,
      start: () => this.#start(row).finally(this.#tried.get(row.role)?.resolve),
    }));
  }

  /**
   * Opens a port. The first shard listens alone, which detects an unavailable port and turns port 0 into a number for
   * all. A shard that dies meanwhile is restarted, and listens then.
   */
  async listen(address: string, { port, dialect }: Listener): Promise<ListenResult> {
    const [first] = this.#slots();
    if (first === undefined) return { type: 'failed', code: 'gone', text: 'a shard exited during start-up' };
    const listener = this.#listeners.length;
    const reusePort = this.#table.filter(({ role }) => role === 'shard').length > 1;
    const options = { host: address, port, reusePort, dialect };
    const openIfFree = async (): Promise<ListenResult> => {
      const fault = await findPortFault(address, port);
      return fault === undefined
        ? first.listen(listener, options)
        : { type: 'failed', code: fault.code ?? 'UNKNOWN', text: fault.message };
    };
    // A shared port can be opened even if another server shares it.
    const listened = await (reusePort ? inTurn(port, openIfFree) : first.listen(listener, options));
    if (listened.type === 'failed') return listened;
    const opened = { ...options, port: listened.port };
    this.#listeners.push(opened);
    const all = await Promise.all(this.#slots().map((slot) => slot.listen(listener, opened)));
    return all.find((one) => one.type === 'failed' && one.code !== 'gone') ?? listened;
  }

  /** Closes connections to lost peers, whichever shard owns them. */
  abandon(peers: readonly Endpoints[]): void {
    for (const { thread } of this.#slots()) void thread.call((api) => api.abandon(peers));
  }

  /** Metrics by thread name, without threads that do not answer. `main` is this thread. */
  async metrics(): Promise<Readonly<Record<string, Metrics>>> {
    const asked = Array.from(this.#running.values(), async ({ row, thread }) => {
      const outcome = await thread.call((api) => api.metrics(), METRICS_TIMEOUT_MS);
      return outcome.type === 'answered' ? [[row.name, outcome.value] as const] : [];
    });
    return Object.fromEntries([['main', threadMetrics()] as const, ...(await Promise.all(asked)).flat()]);
  }

  /** Lets the threads complete their work, one role after the other. */
  async finish(): Promise<void> {
    for (const role of FINISH_ORDER) {
      const threads = [...this.#running.values()].filter(({ row }) => row.role === role);
      await Promise.all(threads.map(({ thread }) => thread.call((api) => api.finish(), FINISH_TIMEOUT_MS)));
    }
  }

  #slots(): readonly ShardSlot[] {
    return [...this.#running.values()].flatMap(({ slot }) => slot ?? []);
  }

  async #start(row: ThreadRow): Promise<ChildStart> {
    switch (row.role) {
      case 'shard':
        return this.#startShard(row);
      case 'auth':
        return this.#startAuth(row);
      case 'registry':
      case 'archive': {
        const started = await this.#launch<ThreadApi>(row);
        return started.type === 'failed' ? started : this.#admit(row, started.thread);
      }
      default:
        return row.role satisfies never;
    }
  }

  async #startAuth(row: ThreadRow): Promise<ChildStart> {
    const started = await this.#launch<AuthThreadApi>(row);
    if (started.type === 'failed') return started;
    const { thread } = started;
    const refused = await thread.call((api) => api.refusal());
    if (refused.type === 'answered' && refused.value === undefined) return this.#admit(row, thread);
    await thread.kill();
    if (refused.type !== 'answered' || refused.value === undefined) {
      return { type: 'failed', error: new Error('the auth thread exited during start-up') };
    }
    const { text, isFault } = refused.value;
    return { type: 'failed', error: isFault ? new Error(text) : new Refusal(text) };
  }

  async #startShard(row: ThreadRow): Promise<ChildStart> {
    const started = await this.#launch<ShardApi>(row);
    if (started.type === 'failed') return started;
    const { thread } = started;
    const slot = new ShardSlot(thread);
    const admitted = await this.#admit(row, thread, slot);
    for (const [listener, options] of this.#listeners.entries()) {
      const listened = await slot.listen(listener, options);
      if (listened.type === 'listening') continue;
      await thread.kill();
      return { type: 'failed', error: new Error(`${row.name} cannot listen: ${listened.text}`) };
    }
    return admitted;
  }

  /** A thread that opens its files later gets a port that carries the signal. It loads its code meanwhile. */
  #launch<Api>(row: ThreadRow): Promise<Started<Api>> {
    const file = threadFile(row.file, import.meta.url);
    if (row.opensAfter === undefined) return startThread<Api>(row.name, file, row.data(), [], this.#options);
    const { port1, port2 } = new MessageChannel();
    void this.#tried.get(row.opensAfter)?.promise.then(() => port2.postMessage('open'));
    const data = { ...row.data(), opening: port1 };
    return startThread<Api>(row.name, file, data, [port1], this.#options).finally(() => port2.close());
  }

  /** Links the thread to those already running; later ones link themselves to it. */
  async #admit(row: ThreadRow, thread: Thread<ThreadApi>, slot?: ShardSlot): Promise<ChildStart> {
    const one: Running = { row, thread, slot };
    const others = [...this.#running.values()];
    this.#running.set(row.name, one);
    void thread.exited.then(() => {
      if (this.#running.get(row.name) === one) this.#running.delete(row.name);
    });
    await Promise.all(
      others.flatMap((other) => [linkIfNeighbours(one, other), linkIfNeighbours(other, one)]),
    );
    return { type: 'started', child: thread };
  }
}

async function linkIfNeighbours(one: Running, other: Running): Promise<void> {
  if (!CHANNELS.some(([from, to]) => from === one.row.role && to === other.row.role)) return;
  const isLinked = await link(
    (port) => one.thread.call((api) => api.connect(other.row.role, other.row.index, port)),
    (port) => other.thread.call((api) => api.connect(one.row.role, one.row.index, port)),
  );
  if (isLinked) other.slot?.linked(one.row.role);
}
