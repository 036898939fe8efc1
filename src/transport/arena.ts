/**
 * Where small frames are written to that are sent in this very turn of the event loop: one buffer after another, not one
 * for each frame. After the turn it is used again.
 */

const BLOCK_BYTES = 65_536;

export class Arena {
  block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
  #end = 0;

  /** Begins a frame of at most so many bytes. Returns where in `block` it begins. */
  open(most: number): number {
    if (this.#end + most > BLOCK_BYTES) {
      this.block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
      this.#end = 0;
    }
    return this.#end;
  }

  /** Ends the frame that was opened last. */
  close(end: number): void {
    this.#end = end;
  }

  /** Nobody refers to the frames any more. */
  reset(): void {
    this.#end = 0;
  }
}
