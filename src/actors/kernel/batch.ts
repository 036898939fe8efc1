/**
 * Batches on a `MessagePort`: what one turn of the event loop has to say to another thread goes as two blocks of bytes, at
 * the end of the turn. One holds the records, the other the frames that they speak of, side by side. Blocks are handed over,
 * not copied.
 */

import type { MessagePort } from 'node:worker_threads';

const LEAST_BYTES = 512;
/** Each block begins with how many bytes of it are used. */
const SIZE_BYTES = 4;
/** UTF-8 takes at most as many bytes for a UTF-16 unit. */
export const BYTES_A_UNIT = 3;

/** The second only if there are frames. */
type Blocks = [records: ArrayBuffer, frames?: ArrayBuffer];

const NO_FRAMES = Buffer.alloc(0);

/** Bytes that become more. */
class Block {
  bytes = Buffer.allocUnsafeSlow(LEAST_BYTES);
  view = viewOf(this.bytes);
  end = SIZE_BYTES;

  get isEmpty(): boolean {
    return this.end === SIZE_BYTES;
  }

  makeRoom(bytes: number): void {
    const needed = this.end + bytes;
    if (needed <= this.bytes.length) return;
    const full = this.bytes;
    this.#replace(Math.max(needed, 2 * full.length));
    full.copy(this.bytes, 0, 0, this.end);
  }

  /** All that was written since the last call. */
  take(): ArrayBuffer {
    this.view.setUint32(0, this.end);
    const { buffer } = this.bytes;
    // Room was made for the longest that texts may become; who keeps a frame keeps no more than its block.
    const block = 2 * this.end < buffer.byteLength ? buffer.slice(0, this.end) : buffer;
    // What the next turn has to say is probably about as much.
    this.#replace(Math.max(LEAST_BYTES, this.end + (this.end >> 1)));
    this.end = SIZE_BYTES;
    return block;
  }

  #replace(bytes: number): void {
    this.bytes = Buffer.allocUnsafeSlow(bytes);
    this.view = viewOf(this.bytes);
  }
}

export class BatchWriter {
  readonly #records = new Block();
  readonly #frames = new Block();

  get isEmpty(): boolean {
    return this.#records.isEmpty;
  }

  byte(value: number): void {
    const records = this.#records;
    records.makeRoom(1);
    records.bytes[records.end] = value;
    records.end += 1;
  }

  number(value: number): void {
    const records = this.#records;
    records.makeRoom(8);
    records.view.setFloat64(records.end, value);
    records.end += 8;
  }

  text(value: string): void {
    const records = this.#records;
    records.makeRoom(4 + value.length * BYTES_A_UNIT);
    const size = records.bytes.write(value, records.end + 4);
    this.#size(size);
    records.end += size;
  }

  /** Where frames are written to. Another buffer may take its place whenever a frame is opened. */
  get frames(): Buffer {
    return this.#frames.bytes;
  }

  /** Begins a frame of at most so many bytes. Returns where in `frames` it begins. */
  open(most: number): number {
    this.#frames.makeRoom(most);
    return this.#frames.end;
  }

  /** Ends the frame that was opened last. */
  close(end: number): void {
    this.#size(end - this.#frames.end);
    this.#frames.end = end;
  }

  take(): Blocks {
    const records = this.#records.take();
    return this.#frames.isEmpty ? [records] : [records, this.#frames.take()];
  }

  #size(bytes: number): void {
    const records = this.#records;
    records.makeRoom(4);
    records.view.setUint32(records.end, bytes);
    records.end += 4;
  }
}

/** Reads a batch in the order in which it was written. */
export class BatchReader {
  readonly #records: Buffer;
  readonly #view: DataView;
  readonly #end: number;
  #at = SIZE_BYTES;
  readonly frames: Buffer;
  /** Where the last frame is in `frames`. */
  start = SIZE_BYTES;
  end = SIZE_BYTES;

  constructor([records, frames]: Blocks) {
    this.#records = Buffer.from(records);
    this.#view = viewOf(this.#records);
    this.#end = this.#view.getUint32(0);
    this.frames = frames === undefined ? NO_FRAMES : Buffer.from(frames);
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#end;
  }

  byte(): number {
    this.#at += 1;
    return this.#view.getUint8(this.#at - 1);
  }

  number(): number {
    this.#at += 8;
    return this.#view.getFloat64(this.#at - 8);
  }

  text(): string {
    const size = this.#size();
    this.#at += size;
    return this.#records.toString('utf8', this.#at - size, this.#at);
  }

  frame(): void {
    this.start = this.end;
    this.end += this.#size();
  }

  #size(): number {
    this.#at += 4;
    return this.#view.getUint32(this.#at - 4);
  }
}

/** Gathers what one turn of the event loop has to say, and sends it at the end of the turn. */
export class BatchPort<Item> {
  readonly #port: MessagePort;
  readonly #write: (out: BatchWriter, item: Item) => void;
  readonly #batch = new BatchWriter();
  readonly #flush = (): void => {
    const blocks = this.#batch.take();
    this.#port.postMessage(
      blocks,
      blocks.filter((block) => block !== undefined),
    );
  };

  constructor(port: MessagePort, write: (out: BatchWriter, item: Item) => void) {
    this.#port = port;
    this.#write = write;
  }

  push(item: Item): void {
    if (this.#batch.isEmpty) setImmediate(this.#flush);
    this.#write(this.#batch, item);
  }

  close(): void {
    this.#port.close();
  }
}

/** Takes the batches that a `BatchPort` at the other end sends. */
export function takeBatches<Item>(
  port: MessagePort,
  read: (batch: BatchReader) => Item,
  take: (items: readonly Item[]) => void,
): void {
  port.on('message', (blocks: Blocks) => {
    const batch = new BatchReader(blocks);
    const items: Item[] = [];
    while (!batch.isAtEnd) items.push(read(batch));
    take(items);
  });
}

function viewOf({ buffer, byteOffset, byteLength }: Buffer): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}
