/** The terminal as readline writes to it, with a switch that hides what it writes. */

import { Writable } from 'node:stream';
import type { WriteStream } from 'node:tty';

export class Screen extends Writable {
  /** While true, nothing that is written is shown. */
  isHidden = false;
  readonly #target: WriteStream;
  readonly #resized = (): boolean => this.emit('resize');

  constructor(target: WriteStream) {
    super({ decodeStrings: false });
    this.#target = target;
    target.on('resize', this.#resized);
  }

  /** Read by readline, to know where lines wrap. */
  get columns(): number {
    return this.#target.columns;
  }

  get rows(): number {
    return this.#target.rows;
  }

  override _write(chunk: string | Buffer, _encoding: BufferEncoding, done: () => void): void {
    if (!this.isHidden) this.#target.write(chunk);
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#target.off('resize', this.#resized);
    done(error);
  }
}
