/** The thread of a shard: its listeners, its timers, and the ports to the other threads. */

import type { MessagePort } from 'node:worker_threads';
import { type LogLevel, openLog } from '../../common/log.ts';
import type { Dialect } from '../../dialects/dialect.ts';
import { dialect as native } from '../../dialects/native/native.ts';
import type { Endpoints } from '../../transport/socket-table.ts';
import { type Listening, type ListenOptions, listenTcp } from '../../transport/tcp.ts';
import { testNumber } from '../kernel/fault-injection.ts';
import { type Metrics, threadMetrics } from '../kernel/metrics.ts';
import { serve, threadData } from '../kernel/thread.ts';
import { unexpected } from '../kernel/thread-api.ts';
import { HEARTBEAT_CHECK_MS, Shard, type ShardOptions } from './shard.ts';

const LOGIN_CHECK_MS = 1_000;

export interface ShardData extends ShardOptions {
  readonly name: string;
  readonly logLevel: LogLevel;
  /** After a shutdown, how long clients should wait before they reconnect. */
  readonly retryAfterMs: number;
}

export interface ListenerOptions extends ListenOptions {
  /** URL of a module that exports the `dialect` for clients of this port; left out for the native dialect. */
  readonly dialect?: string | undefined;
}

export type ListenResult =
  | { readonly type: 'listening'; readonly port: number }
  | { readonly type: 'failed'; readonly code: string; readonly text: string };

const data = threadData<ShardData>();
const shard = new Shard(data, openLog(data.name, data.logLevel));
setInterval(() => shard.checkLogins(performance.now()), LOGIN_CHECK_MS);
setInterval(() => shard.checkHeartbeats(performance.now()), HEARTBEAT_CHECK_MS);
const listeners: Array<Extract<Listening, { type: 'listening' }>> = [];

const api = {
  connect(role: string, _: number, port: MessagePort): void {
    if (role === 'registry') shard.connectRegistry(port);
    else if (role === 'auth') shard.connectAuth(port);
    else if (role === 'archive') shard.connectArchive(port);
    else throw unexpected(role);
  },

  metrics(): Metrics {
    return { ...threadMetrics(), ...shard.metrics() };
  },

  /** Starts to accept connections. */
  async listen({ dialect: module, ...options }: ListenerOptions): Promise<ListenResult> {
    const keepAliveMs = testNumber('PARLEY_TEST_KEEP_ALIVE_MS');
    const tested = keepAliveMs === undefined ? options : { ...options, keepAliveMs };
    const dialect = module === undefined ? native : await loadDialect(module);
    const listening = await listenTcp(tested, (wire) => shard.accept(wire, dialect));
    if (listening.type === 'failed') return listening;
    listeners.push(listening);
    return { type: 'listening', port: listening.port };
  },

  /** Drops connections whose clients are gone. Their endpoints may belong to other shards. */
  abandon(peers: readonly Endpoints[]): void {
    shard.abandon(peers);
  },

  /** Stops accepting connections and closes the existing ones with a farewell. */
  async finish(): Promise<void> {
    for (const listener of listeners) listener.stop();
    await shard.drain(data.retryAfterMs);
  },
};

async function loadDialect(module: string): Promise<Dialect> {
  const { dialect }: { dialect: Dialect } = await import(module);
  return dialect;
}

export type ShardApi = typeof api;
serve(api);
