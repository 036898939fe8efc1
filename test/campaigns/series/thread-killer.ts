/** Kills threads of the server in the middle of a run: after a time, or during a replay. */

import type { Pick } from '../../support/random.ts';
import type { ResumingClient } from '../clients/resuming-client.ts';
import type { SharedServer } from './shared-server.ts';

interface Kill {
  readonly thread: string;
  readonly afterMs: number;
  /** Whether to wait for a replay before the kill. */
  readonly inReplay: boolean;
}

/** How long it waits for a replay, in milliseconds. */
const PATIENCE_MS = 300;

export class ThreadKiller {
  readonly #server: SharedServer;
  readonly #kills: readonly Kill[];
  killed = 0;

  /** `chance` is a percentage. */
  constructor(server: SharedServer, chance: number, pick: Pick) {
    this.#server = server;
    const shards = Array.from({ length: server.workers }, (_, i) => `shard-${i + 1}`);
    const threads = ['registry', 'registry', 'archive', ...shards];
    const count = pick(100) < chance ? 1 + pick(2) : 0;
    this.#kills = Array.from({ length: count }, () => ({
      thread: threads[pick(threads.length)] ?? 'registry',
      afterMs: pick(250),
      inReplay: pick(2) === 0,
    }));
  }

  /** True if the registry is killed: it forgets what was seen in the last second. */
  get forgets(): boolean {
    return this.#kills.some(({ thread }) => thread === 'registry');
  }

  /** Waits until the server can bear the kills. */
  ready(): Promise<void> {
    return this.#server.rest(this.#kills.map(({ thread }) => thread));
  }

  /** Kills the threads, and resolves when all are running again. */
  async run(clients: readonly ResumingClient[]): Promise<void> {
    for (const { thread, afterMs, inReplay } of this.#kills) {
      await sleep(afterMs);
      const isReplay = (): boolean =>
        clients.some((client) => client.isIn && !client.isLive && client.shown > 0);
      for (let waited = 0; inReplay && waited < PATIENCE_MS && !isReplay(); waited += 1) await sleep(1);
      if (this.#server.crash(thread)) this.killed += 1;
    }
    if (this.#kills.length > 0) await this.#server.restored();
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
