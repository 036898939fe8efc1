/**
 * The two ends of the channel between a shard and the registry. Each end collects the items pushed in one turn of the
 * event loop; the other end receives them as one batch, in order.
 *
 * Between threads a batch is encoded as bytes. Within a thread items are passed as they are, except that an entry is
 * encoded once as the frame of its event.
 */

import type { MessagePort } from 'node:worker_threads';
import { BatchPort, takeBatches } from '../kernel/batch.ts';
import { readToRegistry, readToShard, writeToRegistry, writeToShard } from './codec.ts';
import { FrameWriter } from './frame-writer.ts';
import type { FromRegistry, ToRegistry, ToShard } from './messages.ts';

/** `Out`: the items that this end sends. `In`: the items that it receives. */
export interface ChannelEnd<Out, In> {
  push(item: Out): void;
  /** Sets the receiver. Call it once, in the turn in which the channel is created, so that no batch is missed. */
  onBatch(take: (items: readonly In[]) => void): void;
  /** Calls `closed` when either end is closed or the other thread ends. */
  onClose(closed: () => void): void;
  close(): void;
}

export type ShardEnd = ChannelEnd<ToRegistry, FromRegistry>;
export type RegistryEnd = ChannelEnd<ToShard, ToRegistry>;

/** The shard's end of a channel to a registry on another thread. */
export function shardEnd(port: MessagePort): ShardEnd {
  return portEnd(port, writeToRegistry, readToShard);
}

/** The registry's end of a channel to a shard on another thread. */
export function registryEnd(port: MessagePort): RegistryEnd {
  return portEnd(port, writeToShard, readToRegistry);
}

function portEnd<Out, In>(
  port: MessagePort,
  write: ConstructorParameters<typeof BatchPort<Out>>[1],
  read: Parameters<typeof takeBatches<In>>[1],
): ChannelEnd<Out, In> {
  const out = new BatchPort<Out>(port, write);
  return {
    push: (item) => out.push(item),
    onBatch: (take) => takeBatches(port, read, take),
    onClose: (closed) => void port.on('close', closed),
    close: () => out.close(),
  };
}

/** Both ends of a channel within this thread. They stay open as long as the thread runs. */
export function localChannel(): { readonly shard: ShardEnd; readonly registry: RegistryEnd } {
  const frames = new FrameWriter();
  const toRegistry = new LocalQueue<ToRegistry>();
  const toShard = new LocalQueue<FromRegistry>(() => frames.endBatch());
  const end = { onClose: () => {}, close: () => {} };
  return {
    shard: {
      ...end,
      push: (item) => toRegistry.push(item),
      onBatch: (take) => toShard.onBatch(take),
    },
    registry: {
      ...end,
      push: (item) => toShard.push(item[0] === 'entry' ? frames.deliver(item[1], item[2]) : item),
      onBatch: (take) => toRegistry.onBatch(take),
    },
  };
}

/** Collects the items pushed in one turn of the event loop, and delivers them as a batch in the next. */
class LocalQueue<Item> {
  readonly #batchEnded: () => void;
  #items: Item[] = [];
  #take: (items: readonly Item[]) => void = () => {};
  readonly #flush = (): void => {
    const items = this.#items;
    this.#items = [];
    this.#batchEnded();
    this.#take(items);
  };

  /** `batchEnded`: called before each batch is delivered. */
  constructor(batchEnded: () => void = () => {}) {
    this.#batchEnded = batchEnded;
  }

  onBatch(take: (items: readonly Item[]) => void): void {
    this.#take = take;
  }

  push(item: Item): void {
    if (this.#items.length === 0) setImmediate(this.#flush);
    this.#items.push(item);
  }
}
