/** A shard's thread as the main thread knows it: linked to its neighbours one by one, and opened when none is missing. */

import type { ArchiveThreadApi } from '../actors/archive/archive.worker.ts';
import type { AuthThreadApi } from '../actors/auth/auth.worker.ts';
import { link } from '../actors/kernel/port-pair.ts';
import type { Thread } from '../actors/kernel/thread.ts';
import type { RegistryApi } from '../actors/registry/registry.worker.ts';
import type { Listened, ShardApi } from '../actors/shard/shard.worker.ts';
import type { ListenOptions } from '../transport/tcp.ts';

type Neighbour = 'registry' | 'auth' | 'archive';
const NEIGHBOURS = 3;

export class ShardSlot {
  readonly thread: Thread<ShardApi>;
  readonly #linked = new Set<Neighbour>();
  readonly #whole = Promise.withResolvers<void>();
  #listened: Promise<Listened> | undefined;

  constructor(thread: Thread<ShardApi>) {
    this.thread = thread;
  }

  /** `index` is the registry's number for this shard. */
  async linkRegistry(index: number, registry: Thread<RegistryApi>): Promise<void> {
    const isLinked = await link(
      (port) => registry.call((api) => api.connectShard(index, port)),
      (port) => this.thread.call((api) => api.connectRegistry(port)),
    );
    if (isLinked) this.#add('registry');
  }

  async linkAuth(auth: Thread<AuthThreadApi>): Promise<void> {
    const isLinked = await link(
      (port) => auth.call((api) => api.connectShard(port)),
      (port) => this.thread.call((api) => api.connectAuth(port)),
    );
    if (isLinked) this.#add('auth');
  }

  async linkArchive(archive: Thread<ArchiveThreadApi>): Promise<void> {
    const isLinked = await link(
      (port) => archive.call((api) => api.connectShard(port)),
      (port) => this.thread.call((api) => api.connectArchive(port)),
    );
    if (isLinked) this.#add('archive');
  }

  /**
   * Listens as soon as the shard is linked to everybody it needs. A neighbour that is being started again links it then; one
   * that cannot be ends the server. However often this is called, the shard listens once.
   */
  listen(options: ListenOptions): Promise<Listened> {
    this.#listened ??= this.#listen(options);
    return this.#listened;
  }

  async #listen(options: ListenOptions): Promise<Listened> {
    await Promise.race([this.#whole.promise, this.thread.exited]);
    const outcome = await this.thread.call((api) => api.listen(options));
    if (outcome.type === 'answered') return outcome.value;
    return { type: 'failed', code: outcome.type, text: `${this.thread.name} ended while it started` };
  }

  #add(neighbour: Neighbour): void {
    this.#linked.add(neighbour);
    if (this.#linked.size === NEIGHBOURS) this.#whole.resolve();
  }
}
