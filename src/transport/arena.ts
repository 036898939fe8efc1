/**
 * A buffer in which small outgoing frames are built. One large block holds many frames, and is reused once all of them
 * are sent.
 */

const BLOCK_BYTES = 65_536;

export class Arena {
  block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
  #end = 0;

  /** Starts a frame of at most `most` bytes. Returns its offset in `block`. */
  open(most: number): number {
    if (this.#end + most > BLOCK_BYTES) this.renew();
    return this.#end;
  }

  /** Ends the frame opened last. */
  close(end: number): void {
    this.#end = end;
  }

  /** Call when someone still refers to the frames in the block: switches to a new block. */
  renew(): void {
    this.block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
    this.#end = 0;
  }

  /** Call when nobody refers to the frames any more: reuses the block. */
  reset(): void {
    this.#end = 0;
  }
}
