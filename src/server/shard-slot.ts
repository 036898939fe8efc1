/** A shard as the main thread sees it. It opens to clients once it is linked to every thread it needs. */

import type { Thread } from '../actors/kernel/thread.ts';
import type { ListenerOptions, ListenResult, ShardApi } from '../actors/shard/shard.worker.ts';
import { CHANNELS, type Role } from './thread-table.ts';

export class ShardSlot {
  readonly thread: Thread<ShardApi>;
  /** The roles it still has to be linked to. */
  readonly #missing = new Set<Role>(CHANNELS.flatMap(([from, to]) => (to === 'shard' ? [from] : [])));
  readonly #whole = Promise.withResolvers<void>();
  /** By the number of the listener. */
  readonly #listened = new Map<number, Promise<ListenResult>>();

  constructor(thread: Thread<ShardApi>) {
    this.thread = thread;
  }

  linked(role: Role): void {
    this.#missing.delete(role);
    if (this.#missing.size === 0) this.#whole.resolve();
  }

  /**
   * Opens one of the server's listeners as soon as no link is missing. A neighbour that is restarting will be linked then;
   * one that cannot restart ends the server. The shard opens each listener only once, however often this is called.
   */
  listen(listener: number, options: ListenerOptions): Promise<ListenResult> {
    const listened = this.#listened.get(listener) ?? this.#listen(options);
    this.#listened.set(listener, listened);
    return listened;
  }

  async #listen(options: ListenerOptions): Promise<ListenResult> {
    await Promise.race([this.#whole.promise, this.thread.exited]);
    const outcome = await this.thread.call((api) => api.listen(options));
    if (outcome.type === 'answered') return outcome.value;
    return { type: 'failed', code: outcome.type, text: `${this.thread.name} exited during start-up` };
  }
}
