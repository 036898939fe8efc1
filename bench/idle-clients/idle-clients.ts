/** Many idle connections, held by a thread of their own so that they do not delay the thread that measures. */

import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { checkOpenFiles } from '../../src/load/run/open-files.ts';
import type { Command, Done, IdleClientsPlan } from './plan.ts';

/** The default number of concurrent logins. */
const CONCURRENCY = 200;

export class IdleClients {
  readonly #thread: Worker;

  /** Throws if the limit on open files is too low. */
  constructor(plan: IdleClientsPlan) {
    const checked = checkOpenFiles({ connections: plan.size, threads: 1 });
    if (checked.type === 'too_few') throw new Error(checked.text);
    this.#thread = new Worker(new URL('idle-clients.worker.ts', import.meta.url), { workerData: plan });
  }

  /** Resolves when all clients are online. */
  connect(address: string, concurrency = CONCURRENCY): Promise<Done> {
    return this.#command({ type: 'connect', ...endpointOf(address), concurrency, isReconnect: false });
  }

  /** Reconnects after a restart of the server. Resolves when all clients are live. */
  reconnect(address: string, concurrency: number): Promise<Done> {
    return this.#command({ type: 'connect', ...endpointOf(address), concurrency, isReconnect: true });
  }

  /** Cuts all connections. */
  disconnect(): Promise<Done> {
    return this.#command({ type: 'disconnect' });
  }

  async stop(): Promise<void> {
    await this.#thread.terminate();
  }

  async #command(command: Command): Promise<Done> {
    this.#thread.postMessage(command);
    const [done] = await once(this.#thread, 'message');
    return done;
  }
}

function endpointOf(address: string): { readonly host: string; readonly port: number } {
  const { hostname, port } = new URL(`tcp://${address}`);
  return { host: hostname, port: Number(port) };
}
