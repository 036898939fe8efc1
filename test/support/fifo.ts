/** A named pipe whose two ends a test holds. Neither end ever blocks. */

import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { onTestFinished } from 'vitest';

const { O_RDONLY, O_WRONLY, O_NONBLOCK } = constants;

export class Fifo {
  readonly #path: string;
  #reader: number | undefined;
  #read = '';
  /** For a program to write to. */
  readonly writer: number;

  constructor(path: string) {
    execFileSync('mkfifo', [path]);
    this.#path = path;
    this.#reader = openSync(path, O_RDONLY | O_NONBLOCK);
    this.writer = openSync(path, O_WRONLY | O_NONBLOCK);
    onTestFinished(() => {
      this.abandon();
      closeSync(this.writer);
    });
  }

  /** Fills the pipe. Returns how much was written. */
  fill(): number {
    const page = Buffer.alloc(4_096, '\n');
    let filled = 0;
    try {
      for (;;) filled += writeSync(this.writer, page);
    } catch (error) {
      if (!isCode(error, 'EAGAIN')) throw error;
    }
    return filled;
  }

  /** From here on nobody reads, and writing fails. */
  abandon(): void {
    if (this.#reader !== undefined) closeSync(this.#reader);
    this.#reader = undefined;
  }

  /** Reads again. */
  adopt(): void {
    this.#reader = openSync(this.#path, O_RDONLY | O_NONBLOCK);
  }

  /** Everything that could be read so far. */
  text(): string {
    const buffer = Buffer.alloc(65_536);
    try {
      for (;;) {
        const bytes = readSync(this.#reader ?? -1, buffer);
        if (bytes === 0) break;
        this.#read += buffer.toString('utf8', 0, bytes);
      }
    } catch (error) {
      if (!isCode(error, 'EAGAIN')) throw error;
    }
    return this.#read;
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
