/**
 * An output that never blocks the program: for the log, and for what a server prints.
 *
 * - `write` never blocks and never throws, whatever the file descriptor refers to.
 * - A slow reader (a pipe nobody reads, a stopped terminal) is tolerated up to `MAX_WAITING` queued bytes; then further
 *   lines are dropped until the whole queue is written.
 * - When a write fails (a full disk, a reader that has gone), the whole queue is dropped, and so is every line until
 *   writing works again, which is tried once a second. The rest of a partly written line is kept, so that no line is
 *   ever torn.
 * - As soon as writing works again, one line reports how many lines were dropped.
 */

import { constants, fstatSync, openSync, write, writeSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { isatty } from 'node:tty';

export interface LossyOptions {
  /** Makes the line that reports the number of dropped lines. Without it nothing is reported. */
  readonly report?: ((lines: number) => string) | undefined;
  /** Writes before `write` returns, if possible. For a program that writes to several outputs in one order. */
  readonly isSync?: boolean;
  /** Formats a line for the output. Without it lines are written unchanged. */
  readonly format?: ((line: string) => string) | undefined;
}

/** Maximum bytes queued for a slow reader. */
const MAX_WAITING = 4 * 1024 * 1024;
const MAX_WRITE = 64 * 1024;
/** How soon to retry a slow reader, and an output that failed. */
const SLOW_RETRY_MS = 20;
const FAILED_RETRY_MS = 1_000;
const QUIET_RETRY_MS = 5;
const NEWLINE = 10;

export class LossyOutput {
  readonly #fd: number;
  readonly #options: LossyOptions;
  /** Whole lines, oldest first. */
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  /** The unwritten rest of the current write. If `#isTorn`, it starts in the middle of a line. */
  #current: Buffer | undefined;
  #isTorn = false;
  /** Dropped lines reported by the current write; counted again if the report cannot be written. */
  #reported = 0;
  #dropped = 0;
  #state: 'idle' | 'writing' | 'slow' | 'failed' = 'idle';
  #isOverflowing = false;
  #retrying: NodeJS.Timeout | undefined;
  #whenFlushed: ((isFlushed: boolean) => void) | undefined;
  #fault: NodeJS.ErrnoException | undefined;

  constructor(fd: number, options: LossyOptions = {}) {
    this.#fd = unblocked(fd);
    this.#options = options;
  }

  /** Queues one or more whole lines; the final newline may be missing. */
  write(text: string | Uint8Array): void {
    const bytes = this.#encode(text);
    if (this.#state === 'failed' || this.#isOverflowing || this.#waitingBytes + bytes.length > MAX_WAITING) {
      this.#dropped += countLines(bytes);
      if (this.#state !== 'failed') this.#isOverflowing = true;
      return;
    }
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    if (this.#state === 'idle') this.#next();
  }

  /**
   * Resolves with true when everything is written; with false after `timeoutMs`, or if writing fails. Retries once if
   * the output has failed. Only one caller at a time.
   */
  flush(timeoutMs: number): Promise<boolean> {
    if (this.#state === 'idle') return Promise.resolve(true);
    return new Promise((resolve) => {
      const deadline = setTimeout(resolve, timeoutMs, false);
      this.#whenFlushed = (isFlushed) => {
        clearTimeout(deadline);
        resolve(isFlushed);
      };
      if (this.#state === 'failed') this.#next();
    });
  }

  /** The last error because of which lines were dropped. */
  get fault(): NodeJS.ErrnoException | undefined {
    return this.#fault;
  }

  /**
   * Resolves with true once the last system call has returned; with false if it has not after `timeoutMs`, in which
   * case `process.exit` would wait for it. No other write starts in the turn in which this resolves.
   */
  async isQuiet(timeoutMs: number): Promise<boolean> {
    const deadline = performance.now() + timeoutMs;
    while (this.#state === 'writing' && performance.now() < deadline) await pause(QUIET_RETRY_MS);
    return this.#state !== 'writing';
  }

  #encode(text: string | Uint8Array): Buffer {
    const { format } = this.#options;
    const plain = typeof text === 'string' ? text : Buffer.from(text).toString();
    const shown =
      format === undefined
        ? plain
        : plain
            .split(/(?<=\n)/)
            .map(format)
            .join('');
    return Buffer.from(shown.endsWith('\n') ? shown : `${shown}\n`);
  }

  #next(): void {
    clearTimeout(this.#retrying);
    this.#current ??= this.#take();
    if (this.#current === undefined) {
      this.#state = 'idle';
      this.#flushed(true);
      return;
    }
    this.#state = 'writing';
    if (this.#options.isSync === true) this.#writeNow(this.#current);
    else write(this.#fd, this.#current, (error, written) => this.#wrote(error, written));
  }

  #writeNow(current: Buffer): void {
    try {
      this.#wrote(null, writeSync(this.#fd, current));
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      this.#wrote(error, 0);
    }
  }

  /** The next lines to write, or the report on lines that were dropped before them. */
  #take(): Buffer | undefined {
    // With a slow reader, the queued lines are older than the dropped ones.
    if (this.#dropped > 0 && (this.#waiting.length === 0 || !this.#isOverflowing)) {
      this.#reported = this.#dropped;
      this.#dropped = 0;
      this.#isOverflowing = false;
      const report = this.#options.report?.(this.#reported);
      if (report !== undefined) return this.#encode(report);
    }
    if (this.#waiting.length === 0) return undefined;
    let bytes = 0;
    let count = 0;
    while (count < this.#waiting.length && bytes < MAX_WRITE) {
      bytes += this.#waiting[count]?.length ?? 0;
      count += 1;
    }
    this.#waitingBytes -= bytes;
    return Buffer.concat(this.#waiting.splice(0, count));
  }

  #wrote(error: NodeJS.ErrnoException | null, written: number): void {
    const current = this.#current;
    if (current === undefined) return;
    if (error?.code === 'EAGAIN') {
      this.#retry('slow', SLOW_RETRY_MS);
      return;
    }
    if (error !== null) {
      this.#fail(current, error);
      return;
    }
    if (written > 0) this.#isTorn = current[written - 1] !== NEWLINE;
    this.#current = written < current.length ? current.subarray(written) : undefined;
    if (this.#current === undefined) this.#reported = 0;
    this.#next();
  }

  /** Drops everything except the rest of a line that was partly written. */
  #fail(current: Buffer, error: NodeJS.ErrnoException): void {
    this.#fault = error;
    const end = this.#isTorn ? current.indexOf(NEWLINE) + 1 : 0;
    this.#current = end > 0 ? current.subarray(0, end) : undefined;
    const lost = [current.subarray(end), ...this.#waiting];
    const lines = lost.reduce((sum, bytes) => sum + countLines(bytes), 0);
    // A report of which nothing was written is not one of the program's lines; the lines it counts are reported later.
    this.#dropped += this.#reported > 0 && end === 0 ? lines - 1 + this.#reported : lines;
    this.#reported = 0;
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#isOverflowing = false;
    this.#retry('failed', FAILED_RETRY_MS);
    this.#flushed(false);
  }

  #flushed(isFlushed: boolean): void {
    this.#whenFlushed?.(isFlushed);
    this.#whenFlushed = undefined;
  }

  #retry(state: 'slow' | 'failed', afterMs: number): void {
    this.#state = state;
    this.#retrying = setTimeout(() => this.#next(), afterMs).unref();
  }
}

function countLines(bytes: Buffer): number {
  let lines = 0;
  for (let at = bytes.indexOf(NEWLINE); at !== -1; at = bytes.indexOf(NEWLINE, at + 1)) lines += 1;
  return lines;
}

/**
 * Makes writes to a descriptor non-blocking: a blocked write would hold a thread of Node's pool, and `process.exit`
 * waits for those.
 *
 * - Pipes and sockets: opening them as a stream makes Node set O_NONBLOCK, and reset it at exit.
 * - Terminals: the shell shares the open file, so a second one is opened. If that is refused, writes may block.
 * - Files: a write returns when the disk responds.
 */
function unblocked(fd: number): number {
  try {
    if (isatty(fd)) {
      const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = constants;
      return openSync(`/proc/self/fd/${fd}`, O_WRONLY | O_NONBLOCK | O_NOCTTY);
    }
    const stat = fstatSync(fd);
    if (stat.isFIFO() || stat.isSocket()) void (fd === 2 ? process.stderr : process.stdout);
  } catch {}
  return fd;
}
