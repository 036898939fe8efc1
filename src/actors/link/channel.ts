/**
 * The two ends of the channel between a shard and the registry. Either end gathers what one turn of the event loop pushes,
 * and the other takes it as one batch, in order.
 *
 * Between threads a batch crosses as bytes. When both ends are on one thread, items are passed on as they are; only an
 * entry is written, once, as the frame of its event.
 */

import type { MessagePort } from 'node:worker_threads';
import { BatchPort, takeBatches } from '../kernel/batch.ts';
import { readToRegistry, readToShard, writeToRegistry, writeToShard } from './codec.ts';
import { FrameWriter } from './frame-writer.ts';
import type { FromRegistry, ToRegistry, ToShard } from './messages.ts';

/** `In`: what comes from the other end. */
export interface ChannelEnd<Out, In> {
  push(item: Out): void;
  /** Called once, before anything can come. */
  onBatch(take: (items: readonly In[]) => void): void;
  /** Calls `closed` when either end has been closed, or the other thread has ended. */
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

/** Both ends of a channel within this thread. Its ends live as long as the thread. */
export function localChannel(): { readonly shard: ShardEnd; readonly registry: RegistryEnd } {
  const frames = new FrameWriter();
  const toRegistry = new Turnwise<ToRegistry>();
  const toShard = new Turnwise<FromRegistry>(() => frames.endBatch());
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

/** Gathers what is pushed in one turn of the event loop, and hands it on in the next. */
class Turnwise<Item> {
  readonly #ended: () => void;
  #items: Item[] = [];
  #take: (items: readonly Item[]) => void = () => {};
  readonly #flush = (): void => {
    const items = this.#items;
    this.#items = [];
    this.#ended();
    this.#take(items);
  };

  /** `ended`: called before a batch is handed on. */
  constructor(ended: () => void = () => {}) {
    this.#ended = ended;
  }

  onBatch(take: (items: readonly Item[]) => void): void {
    this.#take = take;
  }

  push(item: Item): void {
    if (this.#items.length === 0) setImmediate(this.#flush);
    this.#items.push(item);
  }
}
