/** The auth thread: its actor, the password store, the hash pool, and a port to each shard and to the registry. */

import type { MessagePort } from 'node:worker_threads';
import { type LogLevel, openLog } from '../log.ts';
import type { AccountStore } from '../store/accounts.ts';
import { openTokens, TOKEN_LIFETIME_MS, TOKENS_PER_ACCOUNT } from '../store/tokens.ts';
import { openUsersFile } from '../store/users-file.ts';
import { ask, spawn } from './actor.ts';
import { type AuthAnswer, type AuthMsg, auth } from './auth.ts';
import type { AuthApi, AuthCall } from './auth-api.ts';
import { HashPool } from './hash-pool.ts';
import { serve, servePort, threadData } from './thread.ts';

/** Longer than any queue of the hash pool takes; the shard's own deadline comes first. */
const ANSWER_TIMEOUT_MS = 60_000;
const TICK_MS = 60_000;

export interface AuthData {
  readonly usersFile: string;
  readonly tokensDb: string;
  readonly hashWorkers: number;
  readonly guests: boolean;
  readonly logLevel: LogLevel;
}

const data = threadData<AuthData>();
const log = openLog('auth', data.logLevel);
const pool = new HashPool(data.hashWorkers, (text) => log.warn({ event: 'hash_pool' }, text));
const opened = await openUsersFile(data.usersFile, {
  hash: (password) => pool.hashNow(password),
  warn: (text) => log.warn({ event: 'users_file' }, text),
});
const store = opened.type === 'open' ? opened.store : undefined;
const tokens = openTokens(data.tokensDb, {
  lifetimeMs: TOKEN_LIFETIME_MS,
  perAccount: TOKENS_PER_ACCOUNT,
  warn: (text) => log.warn({ event: 'tokens' }, text),
});
const actor = store && spawn('auth', auth(store, tokens, pool, data.guests));
setInterval(() => actor?.tell({ type: 'tick', now: Date.now() }), TICK_MS).unref();

// An actor that failed takes its thread with it, so that the supervisor starts both again.
void actor?.exited.then((reason) => {
  if (reason.type === 'failed') throw reason.error;
});

const api = {
  /** Why the password store could not be opened, for people; undefined if it could. */
  refusal(): string | undefined {
    return opened.type === 'refused' ? opened.text : undefined;
  },

  connectShard(port: MessagePort): void {
    const owner = {};
    servePort<AuthApi>(port, { authenticate: (call) => authenticate(call, owner) });
    port.on('close', () => actor?.tell({ type: 'owner_gone', owner }));
  },

  connectRegistry(port: MessagePort): void {
    if (store !== undefined) port.postMessage(listAccounts(store));
  },

  async stop(): Promise<void> {
    actor?.stop();
    await store?.close();
    tokens.close();
    await pool.close();
  },
};

async function authenticate(call: AuthCall, owner: object): Promise<AuthAnswer> {
  if (actor === undefined) return { type: 'refused', code: 'unavailable' };
  if (call.type === 'release') {
    actor.tell({ ...call, type: 'release', owner });
    return { type: 'ok', user: call.user, serial: 0 };
  }
  const outcome = await ask<AuthMsg, AuthAnswer>(
    actor,
    (reply) => (call.type === 'claim' ? { ...call, type: 'claim', owner, reply } : { ...call, reply }),
    ANSWER_TIMEOUT_MS,
  );
  if (outcome.type === 'answered') return outcome.value;
  return { type: 'refused', code: outcome.type === 'timed_out' ? 'timed_out' : 'unavailable' };
}

/** One string crosses threads a hundred times cheaper than a million. */
function listAccounts(accounts: AccountStore): string {
  return Array.from(accounts.names()).join('\n');
}

export type AuthThreadApi = typeof api;
serve(api);
