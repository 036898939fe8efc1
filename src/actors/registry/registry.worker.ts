/** The registry's thread: its actor, and the ports to shards and to auth. */

import type { MessagePort } from 'node:worker_threads';
import { type LogLevel, openLog } from '../../common/log.ts';
import type { OpenLog } from '../../store/log.ts';
import { openProjection } from '../../store/sqlite/projection.ts';
import type { AccountsApi, RegistrationsApi } from '../auth/auth-api.ts';
import { ask, spawn } from '../kernel/actor.ts';
import { BatchPort, takeBatches } from '../kernel/batch.ts';
import { testText } from '../kernel/fault-injection.ts';
import { type Metrics, threadMetrics } from '../kernel/metrics.ts';
import { callPort, type Peer, serve, servePort, threadData } from '../kernel/thread.ts';
import { unexpected } from '../kernel/thread-api.ts';
import { readToRegistry, writeToShard } from '../link/codec.ts';
import type { ToShard } from '../link/messages.ts';
import { type RegistryMsg, registry } from './registry.ts';

const TICK_MS = 1_000;
/** The log may be slow, and shutdown must not wait for it for long. */
const FINISH_TIMEOUT_MS = 2_000;
const METRICS_TIMEOUT_MS = 1_000;
/** Auth answers from memory. Without an answer the time is unknown, which is better than making a session wait. */
const REGISTERED_AT_TIMEOUT_MS = 1_000;

export interface RegistryData {
  readonly chatDb: string;
  readonly lockDb: string;
  /** How long to keep messages, in milliseconds; Infinity to keep them for ever. */
  readonly keepMs: number;
  readonly logLevel: LogLevel;
}

const data = threadData<RegistryData>();
const log = openLog('registry', data.logLevel);
const projection = openProjection(data.chatDb, data.lockDb);
let auth: Peer<RegistrationsApi> | undefined;
const actor = spawn(
  'registry',
  registry({
    projection,
    keepMs: data.keepMs,
    logger: log,
    openLog: await testLog(),
    registeredAt: async (user) =>
      (await auth?.call((api) => api.registeredAt(user), REGISTERED_AT_TIMEOUT_MS)) ?? { type: 'gone' },
  }),
);
const ticks = setInterval(() => actor.tell({ type: 'tick' }), TICK_MS);

// If the actor fails, let the thread fail too, so that the supervisor restarts both.
void actor.exited.then((reason) => {
  clearInterval(ticks);
  if (reason.type === 'failed') throw reason.error;
});

const api = {
  connect(role: string, index: number, port: MessagePort): void {
    if (role === 'shard') connectShard(index, port);
    else if (role === 'auth') connectAuth(port);
    else throw unexpected(role);
  },

  async metrics(): Promise<Metrics> {
    const reply = await ask<RegistryMsg, Metrics>(
      actor,
      (reply) => ({ type: 'metrics', reply }),
      METRICS_TIMEOUT_MS,
    );
    return { ...threadMetrics(), ...(reply.type === 'answered' ? reply.value : {}) };
  },

  async finish(): Promise<void> {
    await ask<RegistryMsg, void>(actor, (reply) => ({ type: 'finish', reply }), FINISH_TIMEOUT_MS);
    actor.stop();
    await actor.exited;
  },
};

function connectShard(shard: number, port: MessagePort): void {
  const out = new BatchPort<ToShard>(port, writeToShard);
  actor.tell({ type: 'shard_connected', shard, out });
  takeBatches(port, readToRegistry, (items) => {
    // Shards limit their unanswered commands, so they never fill the mailbox. If it is full, only a restart helps.
    if (!actor.tell({ type: 'batch', shard, out, items })) throw new Error("the registry's mailbox is full");
  });
  port.on('close', () => actor.tell({ type: 'shard_gone', shard, out }));
}

function connectAuth(port: MessagePort): void {
  servePort<AccountsApi>(port, {
    accounts: (names) => void actor.tell({ type: 'accounts', names: names === '' ? [] : names.split('\n') }),
  });
  auth = callPort<RegistrationsApi>(port);
}

/** A test may replace the log of this machine by naming a module that exports `openLog`. */
async function testLog(): Promise<OpenLog | undefined> {
  const module = testText('PARLEY_TEST_LOG');
  if (module === undefined) return undefined;
  const { openLog }: { openLog: OpenLog } = await import(module);
  return openLog;
}

export type RegistryApi = typeof api;
serve(api);
