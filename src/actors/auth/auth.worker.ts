/** The auth thread: its actor, the password store, the hash pool, and a port to each shard and to the registry. */

import type { MessagePort } from 'node:worker_threads';
import { SETTLE_MS, SteadyClock, SYSTEM_CLOCK } from '../../common/clock.ts';
import { type LogLevel, openLog } from '../../common/log.ts';
import type { AccountStore } from '../../store/accounts.ts';
import { openTokens, TOKEN_LIFETIME_MS, TOKENS_PER_ACCOUNT } from '../../store/tokens/tokens.ts';
import { openUsersFile } from '../../store/users/users-file.ts';
import { ask, spawn } from '../kernel/actor.ts';
import { testNumber } from '../kernel/fault-injection.ts';
import { type Metrics, threadMetrics } from '../kernel/metrics.ts';
import { callPort, type Peer, serve, servePort, threadData } from '../kernel/thread.ts';
import { unexpected } from '../kernel/thread-api.ts';
import { type AuthAnswer, type AuthMsg, auth, fingerprintOf } from './auth.ts';
import type {
  AccountsApi,
  Asking,
  AuthApi,
  AuthCall,
  Credential,
  RegistrationsApi,
  SessionsApi,
  Standing,
} from './auth-api.ts';
import { HashPool } from './hash-pool.ts';

/** Longer than the hash pool's full queue takes; the shard's own deadline comes first. */
const ANSWER_TIMEOUT_MS = 60_000;
const TICK_MS = 60_000;
const REFRESH_MS = 1_000;
/** Longer than a shard that does not answer survives its watchdog. */
const SESSIONS_TIMEOUT_MS = 15_000;

export interface AuthData {
  readonly usersFile: string;
  readonly tokensDb: string;
  readonly hashWorkers: number;
  readonly guests: boolean;
  readonly logLevel: LogLevel;
}

const data = threadData<AuthData>();
const log = openLog('auth', data.logLevel);
let started: HashPool | undefined;
/**
 * Started only when needed: if the file is refused and this thread terminated while a pool thread starts, Node aborts.
 */
const startPool = (): HashPool => {
  started ??= new HashPool(data.hashWorkers, (text) => log.warn({ event: 'hash_pool' }, text));
  return started;
};
let registry: Peer<AccountsApi> | undefined;
let requests = 0;
const opened = await openUsersFile(data.usersFile, {
  hash: (password) => startPool().hashNow(password),
  warn: (text) => log.warn({ event: 'users_file' }, text),
  changed: accountsChanged,
});
const store = opened.type === 'open' ? opened.store : undefined;
const tokens = openTokens(data.tokensDb, {
  lifetimeMs: TOKEN_LIFETIME_MS,
  perAccount: TOKENS_PER_ACCOUNT,
  warn: (text) => log.warn({ event: 'tokens' }, text),
});
if (store !== undefined) endTokensWithout(store, '');
const shards = new Set<Peer<SessionsApi>>();
const steady = new SteadyClock(SYSTEM_CLOCK, testNumber('PARLEY_TEST_SETTLE_MS') ?? SETTLE_MS);
const sessions = { passwordChanged };
const actor =
  store && spawn('auth', auth({ store, tokens, pool: startPool(), sessions, steady, guests: data.guests }));
setInterval(() => actor?.tell({ type: 'tick' }), TICK_MS).unref();
setInterval(() => void store?.refresh(), REFRESH_MS).unref();

// A failed actor takes its thread down, so that the supervisor restarts both.
void actor?.exited.then((reason) => {
  if (reason.type === 'failed') throw reason.error;
});

const api = {
  /** Why the password store could not be opened, for people; undefined if it could. `isFault`: the disk failed. */
  refusal(): { readonly text: string; readonly isFault: boolean } | undefined {
    if (opened.type === 'open') return undefined;
    return { text: opened.text, isFault: opened.code === 'storage_full' || opened.code === 'storage_failed' };
  },

  connect(role: string, _: number, port: MessagePort): void {
    if (role === 'shard') connectShard(port);
    else if (role === 'registry') connectRegistry(port);
    else throw unexpected(role);
  },

  metrics(): Metrics {
    const { running, waiting } = started ?? { running: 0, waiting: 0 };
    return {
      ...threadMetrics(),
      requests,
      hashesRunning: running,
      hashesWaiting: waiting,
      shards: shards.size,
    };
  },

  async finish(): Promise<void> {
    actor?.stop();
    await store?.close();
    tokens.close();
    await started?.close();
  },
};

function connectShard(port: MessagePort): void {
  const owner = {};
  servePort<AuthApi>(port, {
    authenticate: (call) => authenticate(call, owner),
    confirm: (credentials) => Promise.resolve(credentials.map(standingOf)),
  });
  // Calls share the port with the answers, so a shard hears of a login before it hears that the password changed.
  const shard = callPort<SessionsApi>(port);
  shards.add(shard);
  port.on('close', () => {
    shards.delete(shard);
    actor?.tell({ type: 'owner_gone', owner });
  });
}

function connectRegistry(port: MessagePort): void {
  servePort<RegistrationsApi>(port, { registeredAt });
  registry = callPort<AccountsApi>(port);
  tellAccounts();
}

/** The registry may be gone: the next one is told when it is connected. */
function tellAccounts(): void {
  if (store === undefined) return;
  const names = Array.from(store.names()).join('\n');
  void registry?.call((api) => api.accounts(names));
}

function registeredAt(user: string): number | null {
  const account = store?.find(user);
  return account === undefined ? null : Date.parse(account.since);
}

async function authenticate(call: AuthCall, owner: object): Promise<AuthAnswer> {
  requests += 1;
  if (actor === undefined) return { type: 'refused', code: 'unavailable' };
  if (call.type === 'release') {
    actor.tell({ ...call, type: 'release', owner });
    return { type: 'ok', user: call.user };
  }
  const outcome = await ask<AuthMsg, AuthAnswer>(
    actor,
    (reply) => (call.type === 'claim' ? { ...call, type: 'claim', owner, reply } : { ...call, reply }),
    ANSWER_TIMEOUT_MS,
  );
  if (outcome.type === 'answered') return outcome.value;
  return { type: 'refused', code: outcome.type === 'timed_out' ? 'timed_out' : 'unavailable' };
}

/** Accounts may have been removed from users.txt. Works in steps, because there may be a million. */
function endTokensWithout(accounts: AccountStore, after: string): void {
  const next = tokens.revokeMissing((user) => accounts.find(user) !== undefined, after);
  if (next !== undefined) setImmediate(() => endTokensWithout(accounts, next));
}

/** Someone has edited the accounts, so sessions may belong to accounts or passwords that no longer exist. */
function accountsChanged(): void {
  if (store === undefined) return;
  tellAccounts();
  for (const shard of shards) void shard.call((api) => api.accountsChanged(), SESSIONS_TIMEOUT_MS);
  endTokensWithout(store, '');
}

/** Does not wait for a shard that has died or is about to be terminated: its sessions end with it. */
async function passwordChanged(credential: Credential, asking: Asking): Promise<void> {
  const told = Array.from(shards, (shard) =>
    shard.call((api) => api.passwordChanged(credential, asking), SESSIONS_TIMEOUT_MS),
  );
  await Promise.all(told);
}

function standingOf({ user, record }: Credential): Standing {
  const account = store?.find(user);
  if (account === undefined) return 'removed';
  return fingerprintOf(account) === record ? 'ok' : 'password_changed';
}

export type AuthThreadApi = typeof api;
serve(api);
