/** The output stream that readline writes to, with a switch that hides its output. */

import { Writable } from 'node:stream';
import type { WriteStream } from 'node:tty';

export class Screen extends Writable {
  /** While true, writes are discarded. */
  isHidden = false;
  readonly #output: WriteStream;
  readonly #resized = (): boolean => this.emit('resize');

  constructor(output: WriteStream) {
    super({ decodeStrings: false });
    this.#output = output;
    output.on('resize', this.#resized);
  }

  /** Readline reads this to know where lines wrap. */
  get columns(): number {
    return this.#output.columns;
  }

  get rows(): number {
    return this.#output.rows;
  }

  override _write(chunk: string | Buffer, _encoding: BufferEncoding, done: () => void): void {
    if (!this.isHidden) this.#output.write(chunk);
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#output.off('resize', this.#resized);
    done(error);
  }
}
