/**
 * Many connections that do nothing but be there, held by a thread of their own, so that they do not hold up the clock of the one
 * that measures.
 */

import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { checkOpenFiles } from '../../src/load/run/open-files.ts';
import type { CrowdPlan, Done, Order } from './plan.ts';

/** How many come in at a time, where nothing else is wanted. */
const AT_ONCE = 200;

export class Crowd {
  readonly #thread: Worker;

  /** Throws if there may not be as many open files. */
  constructor(plan: CrowdPlan) {
    const checked = checkOpenFiles({ connections: plan.size, threads: 1 });
    if (checked.type === 'too_few') throw new Error(checked.text);
    this.#thread = new Worker(new URL('crowd.worker.ts', import.meta.url), { workerData: plan });
  }

  /** Resolves when everybody is in. */
  comeIn(address: string, atOnce = AT_ONCE): Promise<Done> {
    return this.#order({ type: 'come_in', ...endpointOf(address), atOnce, isBack: false });
  }

  /** After the server has ended: resolves when everybody has come back to what they missed. */
  comeBack(address: string, atOnce: number): Promise<Done> {
    return this.#order({ type: 'come_in', ...endpointOf(address), atOnce, isBack: true });
  }

  /** Everybody loses their connection. */
  leave(): Promise<Done> {
    return this.#order({ type: 'leave' });
  }

  async end(): Promise<void> {
    await this.#thread.terminate();
  }

  async #order(order: Order): Promise<Done> {
    this.#thread.postMessage(order);
    const [done] = await once(this.#thread, 'message');
    return done;
  }
}

function endpointOf(address: string): { readonly host: string; readonly port: number } {
  const { hostname, port } = new URL(`tcp://${address}`);
  return { host: hostname, port: Number(port) };
}
