/**
 * Where small frames are made that are about to be sent: one large buffer for many, which is used again when all of them have
 * been sent.
 */

const BLOCK_BYTES = 65_536;

export class Arena {
  block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
  #end = 0;

  /** Begins a frame of at most so many bytes. Returns where in `block` it begins. */
  open(most: number): number {
    if (this.#end + most > BLOCK_BYTES) this.renew();
    return this.#end;
  }

  /** Ends the frame that was opened last. */
  close(end: number): void {
    this.#end = end;
  }

  /** Somebody goes on referring to what was written so far. */
  renew(): void {
    this.block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
    this.#end = 0;
  }

  /** Nobody refers to the frames any more. */
  reset(): void {
    this.#end = 0;
  }
}
