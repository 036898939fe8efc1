/**
 * What a connection sends in one turn of the event loop: frames side by side in a block, written at the end of the turn. Blocks go
 * round among the connections of a thread, so that nothing is allocated for what is sent.
 *
 * What the network has not taken, because the server does not read, MUST NOT exceed the limit by more than a block: then `overflow` is
 * called, once, and everything after that is dropped.
 */

import type { Socket } from 'node:net';

const BLOCK_BYTES = 8_192;
/** Blocks that wait for their next use. */
const SPARE_LIMIT = 512;

const spare: Buffer[] = [];
let dirty: SendQueue[] = [];

function putBack(block: Buffer): void {
  if (block.length === BLOCK_BYTES && spare.length < SPARE_LIMIT) spare.push(block);
}

function flushAll(): void {
  const flushed = dirty;
  dirty = [];
  for (const queue of flushed) queue.flush();
}

export class SendQueue {
  readonly #socket: Socket;
  readonly #limit: number;
  readonly #overflow: () => void;
  #block: Buffer | undefined;
  #end = 0;
  #isClosed = false;

  constructor(socket: Socket, limit: number, overflow: () => void) {
    this.#socket = socket;
    this.#limit = limit;
    this.#overflow = overflow;
  }

  /** A frame of at most so many bytes. `write` puts it into `block` at `start`, and returns where it ends. */
  push(most: number, write: (block: Buffer, start: number) => number): void {
    if (this.#isClosed) return;
    if (this.#block !== undefined && this.#end + most > this.#block.length) this.flush();
    if (this.#block === undefined) {
      const isUsual = most <= BLOCK_BYTES;
      this.#block =
        (isUsual ? spare.pop() : undefined) ?? Buffer.allocUnsafeSlow(Math.max(BLOCK_BYTES, most));
      if (dirty.push(this) === 1) setImmediate(flushAll);
    }
    this.#end = write(this.#block, this.#end);
  }

  flush(): void {
    const block = this.#block;
    if (block === undefined) return;
    const end = this.#end;
    this.#block = undefined;
    this.#end = 0;
    if (end > 0) this.#socket.write(block.subarray(0, end));
    // The socket keeps what the network did not take: that must not be written over.
    if (this.#socket.writableLength === 0) putBack(block);
    else if (this.#socket.writableLength > this.#limit) {
      this.close();
      this.#overflow();
    }
  }

  close(): void {
    this.#isClosed = true;
    if (this.#block !== undefined) putBack(this.#block);
    this.#block = undefined;
    this.#end = 0;
  }
}
