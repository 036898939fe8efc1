/**
 * The output of one connection: the frames of one turn of the event loop share a block, which is written at the end of the turn.
 * The connections of a thread reuse blocks, so sending allocates no memory.
 *
 * Bytes that the network has not accepted, because the server does not read, MUST NOT exceed the limit by more than a block.
 * Beyond the limit, `overflow` is called once and all further frames are discarded.
 */

import type { Socket } from 'node:net';

const BLOCK_BYTES = 8_192;
/** Upper limit of unused blocks. */
const SPARE_LIMIT = 512;

const spare: Buffer[] = [];
let dirty: SendQueue[] = [];

function recycle(block: Buffer): void {
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

  /** Adds a frame of at most `maxBytes`. `write` must put it into `block` at `start`, and return its end. */
  push(maxBytes: number, write: (block: Buffer, start: number) => number): void {
    if (this.#isClosed) return;
    if (this.#block !== undefined && this.#end + maxBytes > this.#block.length) this.flush();
    if (this.#block === undefined) {
      const isUsual = maxBytes <= BLOCK_BYTES;
      this.#block =
        (isUsual ? spare.pop() : undefined) ?? Buffer.allocUnsafeSlow(Math.max(BLOCK_BYTES, maxBytes));
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
    // While the socket still holds bytes of the block, it must not be reused.
    if (this.#socket.writableLength === 0) recycle(block);
    else if (this.#socket.writableLength > this.#limit) {
      this.close();
      this.#overflow();
    }
  }

  close(): void {
    this.#isClosed = true;
    if (this.#block !== undefined) recycle(this.#block);
    this.#block = undefined;
    this.#end = 0;
  }
}
