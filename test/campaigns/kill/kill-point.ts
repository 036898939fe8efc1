/**
 * The moment of a kill, of three kinds: after a time; right at the n-th answer that a client gets; or right when
 * the server has written to a file for the n-th time, which mostly is in the middle of a commit or its sync.
 */

import { Worker } from 'node:worker_threads';
import type { Pick } from '../../support/random.ts';
import type { CampaignServer } from './campaign-server.ts';
import type { WatchData } from './write-watch.worker.ts';

export type Moment =
  | { readonly type: 'time'; readonly ms: number }
  | { readonly type: 'answer'; readonly count: number }
  | { readonly type: 'write'; readonly count: number };

export interface Bounds {
  readonly ms: number;
  readonly answers: number;
  readonly writes: number;
  /** The file whose writes count, in the data folder. */
  readonly file: string;
}

/** A moment that has not come by itself comes then. */
const LATEST_MS = 10_000;

export function drawMoment(pick: Pick, { ms, answers, writes }: Bounds): Moment {
  switch (pick(3)) {
    case 0:
      return { type: 'time', ms: pick(ms) };
    case 1:
      return { type: 'answer', count: 1 + pick(answers) };
    default:
      return { type: 'write', count: 1 + pick(writes) };
  }
}

/** Waits for the moment, and kills the server at it. */
export class Killer {
  readonly #server: CampaignServer;
  readonly #moment: Moment;
  readonly #done = Promise.withResolvers<void>();
  readonly #deadline: NodeJS.Timeout;
  #watch: Worker | undefined;
  #answers = 0;

  constructor(server: CampaignServer, moment: Moment, file: string) {
    this.#server = server;
    this.#moment = moment;
    const ms = moment.type === 'time' ? moment.ms : LATEST_MS;
    this.#deadline = setTimeout(() => this.#strike(), ms);
    if (moment.type === 'write') this.#watchWrites(file, moment.count);
  }

  /** To be told of each answer, in the turn in which it came. */
  answered(): void {
    this.#answers += 1;
    if (this.#moment.type === 'answer' && this.#answers === this.#moment.count) this.#strike();
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

  /** In a thread of its own: this one is busy with what the clients get. */
  #watchWrites(file: string, count: number): void {
    const pid = this.#server.running.child.pid ?? 0;
    const workerData: WatchData = { folder: this.#server.data, file, count, pid };
    this.#watch = new Worker(new URL('./write-watch.worker.ts', import.meta.url), { workerData });
    this.#watch.once('message', () => this.#strike());
    this.#watch.once('error', (error) => this.#done.reject(error));
  }
}
