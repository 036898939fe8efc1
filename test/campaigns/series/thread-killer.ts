/** Threads of the server that die in the middle of a run: at some time, or while somebody is being brought up to date. */

import type { Pick } from '../../support/random.ts';
import type { Device } from '../clients/resuming-client.ts';
import type { House } from './shared-server.ts';

interface Stroke {
  readonly thread: string;
  readonly afterMs: number;
  /** Then waits for a replay that is under way. */
  readonly inReplay: boolean;
}

/** For a replay, at the longest. */
const PATIENCE_MS = 300;

export class Misfortune {
  readonly #house: House;
  readonly #strokes: readonly Stroke[];
  strikes = 0;

  /** `chance`: of a hundred. */
  constructor(house: House, chance: number, pick: Pick) {
    this.#house = house;
    const shards = Array.from({ length: house.workers }, (_, i) => `shard-${i + 1}`);
    const threads = ['registry', 'registry', 'archive', ...shards];
    const count = pick(100) < chance ? 1 + pick(2) : 0;
    this.#strokes = Array.from({ length: count }, () => ({
      thread: threads[pick(threads.length)] ?? 'registry',
      afterMs: pick(250),
      inReplay: pick(2) === 0,
    }));
  }

  /** True if the registry dies: it forgets what was seen in the last second. */
  get forgets(): boolean {
    return this.#strokes.some(({ thread }) => thread === 'registry');
  }

  /** Waits until the server can stand it. */
  ready(): Promise<void> {
    return this.#house.rest(this.#strokes.map(({ thread }) => thread));
  }

  /** Resolves when all has happened, and all threads are back. */
  async strike(devices: readonly Device[]): Promise<void> {
    for (const { thread, afterMs, inReplay } of this.#strokes) {
      await sleep(afterMs);
      const isReplay = (): boolean =>
        devices.some((device) => device.isIn && !device.isLive && device.shown > 0);
      for (let waited = 0; inReplay && waited < PATIENCE_MS && !isReplay(); waited += 1) await sleep(1);
      if (this.#house.crash(thread)) this.strikes += 1;
    }
    if (this.#strokes.length > 0) await this.#house.restored();
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
