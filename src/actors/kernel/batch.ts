/**
 * Batches on a `MessagePort`: everything that one turn of the event loop sends to another thread travels at the end of
 * the turn as two blocks of bytes. One holds the records, the other the frames they refer to, side by side. Blocks are
 * transferred, not copied.
 */

import type { MessagePort } from 'node:worker_threads';

const LEAST_BYTES = 512;
/** Each block starts with its used length. */
const SIZE_BYTES = 4;
/** The most bytes that UTF-8 needs per UTF-16 unit. */
export const MAX_UTF8_BYTES_PER_UNIT = 3;

/** The second only if there are frames. */
type Blocks = [records: ArrayBuffer, frames?: ArrayBuffer];

const NO_FRAMES = Buffer.alloc(0);

/** A growable buffer. */
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

  /** Everything written since the last call. */
  take(): ArrayBuffer {
    this.view.setUint32(0, this.end);
    const { buffer } = this.bytes;
    // Room was reserved for the longest possible texts, so trim the block: whoever keeps a frame keeps its whole block
    // alive.
    const block = 2 * this.end < buffer.byteLength ? buffer.slice(0, this.end) : buffer;
    // The next turn will probably send about as much.
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
    records.makeRoom(4 + value.length * MAX_UTF8_BYTES_PER_UNIT);
    const size = records.bytes.write(value, records.end + 4);
    this.#size(size);
    records.end += size;
  }

  /** The buffer that frames are written to. Opening a frame may replace it. */
  get frames(): Buffer {
    return this.#frames.bytes;
  }

  /** Starts a frame of at most `most` bytes. Returns its offset in `frames`. */
  open(most: number): number {
    this.#frames.makeRoom(most);
    return this.#frames.end;
  }

  /** Ends the frame opened last. */
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
  /** The last frame's range in `frames`. */
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

/** Gathers the items of one turn of the event loop, and sends them at the end of the turn. */
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

/** Receives the batches sent by a `BatchPort` at the other end. */
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
