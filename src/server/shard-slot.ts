/** A shard as the main thread sees it. It opens to clients once it is linked to every thread it needs. */

import type { Thread } from '../actors/kernel/thread.ts';
import type { Listened, ShardApi } from '../actors/shard/shard.worker.ts';
import type { ListenOptions } from '../transport/tcp.ts';
import { CHANNELS, type Role } from './thread-table.ts';

export class ShardSlot {
  readonly thread: Thread<ShardApi>;
  /** The roles it still has to be linked to. */
  readonly #missing = new Set<Role>(CHANNELS.flatMap(([from, to]) => (to === 'shard' ? [from] : [])));
  readonly #whole = Promise.withResolvers<void>();
  #listened: Promise<Listened> | undefined;

  constructor(thread: Thread<ShardApi>) {
    this.thread = thread;
  }

  linked(role: Role): void {
    this.#missing.delete(role);
    if (this.#missing.size === 0) this.#whole.resolve();
  }

  /**
   * Listens as soon as no link is missing. A neighbour that is restarting will be linked then; one that cannot restart
   * ends the server. The shard listens only once, however often this is called.
   */
  listen(options: ListenOptions): Promise<Listened> {
    this.#listened ??= this.#listen(options);
    return this.#listened;
  }

  async #listen(options: ListenOptions): Promise<Listened> {
    await Promise.race([this.#whole.promise, this.thread.exited]);
    const outcome = await this.thread.call((api) => api.listen(options));
    if (outcome.type === 'answered') return outcome.value;
    return { type: 'failed', code: outcome.type, text: `${this.thread.name} exited during start-up` };
  }
}
