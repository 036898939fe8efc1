/**
 * Batches on a `MessagePort`: what one turn of the event loop has to say to another thread goes as one block of bytes, at
 * the end of the turn. The block is handed over, not copied.
 */

import type { MessagePort } from 'node:worker_threads';

const LEAST_BYTES = 1_024;
/** Each block begins with how many bytes of it are used. */
const SIZE_BYTES = 4;
/** UTF-8 takes at most as many bytes for a UTF-16 unit. */
export const BYTES_A_UNIT = 3;

export class BatchWriter {
  /** Where an open piece is written to. Another buffer may take its place whenever a piece is opened. */
  block = Buffer.allocUnsafeSlow(LEAST_BYTES);
  #view = viewOf(this.block);
  #end = SIZE_BYTES;

  get isEmpty(): boolean {
    return this.#end === SIZE_BYTES;
  }

  byte(value: number): void {
    this.#makeRoom(1);
    this.block[this.#end] = value;
    this.#end += 1;
  }

  number(value: number): void {
    this.#makeRoom(8);
    this.#view.setFloat64(this.#end, value);
    this.#end += 8;
  }

  text(value: string): void {
    const start = this.open(value.length * BYTES_A_UNIT);
    this.close(start + this.block.write(value, start));
  }

  /** Begins a piece of at most so many bytes. Returns where in `block` it begins. */
  open(most: number): number {
    this.#makeRoom(4 + most);
    return this.#end + 4;
  }

  /** Ends the piece that was opened last. */
  close(end: number): void {
    this.#view.setUint32(this.#end, end - this.#end - 4);
    this.#end = end;
  }

  /** All that was written since the last call. */
  take(): ArrayBuffer {
    const { buffer } = this.block;
    this.#view.setUint32(0, this.#end);
    // What the next turn has to say is probably about as much.
    this.#replace(Math.max(LEAST_BYTES, this.#end + (this.#end >> 1)));
    this.#end = SIZE_BYTES;
    return buffer;
  }

  #makeRoom(bytes: number): void {
    const needed = this.#end + bytes;
    if (needed <= this.block.length) return;
    const full = this.block;
    this.#replace(Math.max(needed, 2 * full.length));
    full.copy(this.block, 0, 0, this.#end);
  }

  #replace(bytes: number): void {
    this.block = Buffer.allocUnsafeSlow(bytes);
    this.#view = viewOf(this.block);
  }
}

/** Reads a block in the order in which it was written. */
export class BatchReader {
  readonly block: Buffer;
  readonly #view: DataView;
  readonly #end: number;
  #at = SIZE_BYTES;
  /** Where the last piece is in `block`. */
  start = 0;
  end = 0;

  constructor(block: ArrayBuffer) {
    this.block = Buffer.from(block);
    this.#view = viewOf(this.block);
    this.#end = this.#view.getUint32(0);
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
    this.piece();
    return this.block.toString('utf8', this.start, this.end);
  }

  piece(): void {
    this.start = this.#at + 4;
    this.end = this.start + this.#view.getUint32(this.#at);
    this.#at = this.end;
  }
}

/** Gathers what one turn of the event loop has to say, and sends it as one block at the end of the turn. */
export class BatchPort<Item> {
  readonly #port: MessagePort;
  readonly #write: (out: BatchWriter, item: Item) => void;
  readonly #batch = new BatchWriter();
  readonly #flush = (): void => {
    const block = this.#batch.take();
    this.#port.postMessage(block, [block]);
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
  port.on('message', (block: ArrayBuffer) => {
    const batch = new BatchReader(block);
    const items: Item[] = [];
    while (!batch.isAtEnd) items.push(read(batch));
    take(items);
  });
}

function viewOf({ buffer, byteOffset, byteLength }: Buffer): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}
