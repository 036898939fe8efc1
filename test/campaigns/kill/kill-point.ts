/**
 * The moment at which a campaign kills the server: after a time; at the n-th answer that a client gets; or
 * when the server has written to a file for the n-th time, which is usually in the middle of a commit or its
 * sync.
 */

import { Worker } from 'node:worker_threads';
import type { Pick } from '../../support/random.ts';
import type { CampaignServer } from './campaign-server.ts';
import type { WatchData } from './write-watch.worker.ts';

export type KillPoint =
  | { readonly type: 'time'; readonly ms: number }
  | { readonly type: 'answer'; readonly count: number }
  | { readonly type: 'write'; readonly count: number };

export interface Bounds {
  readonly ms: number;
  readonly answers: number;
  readonly writes: number;
  /** The file whose writes are counted, in the data folder. */
  readonly file: string;
}

/** If the kill point has not come by then, the server is killed anyway. */
const LATEST_MS = 10_000;

export function drawKillPoint(pick: Pick, { ms, answers, writes }: Bounds): KillPoint {
  switch (pick(3)) {
    case 0:
      return { type: 'time', ms: pick(ms) };
    case 1:
      return { type: 'answer', count: 1 + pick(answers) };
    default:
      return { type: 'write', count: 1 + pick(writes) };
  }
}

/** Waits for the kill point and kills the server. */
export class Killer {
  readonly #server: CampaignServer;
  readonly #killPoint: KillPoint;
  readonly #done = Promise.withResolvers<void>();
  readonly #deadline: NodeJS.Timeout;
  #watch: Worker | undefined;
  #answers = 0;

  constructor(server: CampaignServer, killPoint: KillPoint, file: string) {
    this.#server = server;
    this.#killPoint = killPoint;
    const ms = killPoint.type === 'time' ? killPoint.ms : LATEST_MS;
    this.#deadline = setTimeout(() => this.#strike(), ms);
    if (killPoint.type === 'write') this.#watchWrites(file, killPoint.count);
  }

  /** Call this for each answer, in the turn in which it arrives. */
  answered(): void {
    this.#answers += 1;
    if (this.#killPoint.type === 'answer' && this.#answers === this.#killPoint.count) this.#strike();
  }

  /** Resolves when the server is dead. */
  async done(): Promise<void> {
    await this.#done.promise;
    clearTimeout(this.#deadline);
    await this.#server.kill();
    await this.#watch?.terminate();
  }

  #strike(): void {
    this.#server.shoot();
    this.#done.resolve();
  }

  /** Watches in a thread of its own, because this one is busy with the clients. */
  #watchWrites(file: string, count: number): void {
    const pid = this.#server.running.child.pid ?? 0;
    const workerData: WatchData = { folder: this.#server.data, file, count, pid };
    this.#watch = new Worker(new URL('./write-watch.worker.ts', import.meta.url), { workerData });
    this.#watch.once('message', () => this.#strike());
    this.#watch.once('error', (error) => this.#done.reject(error));
  }
}
