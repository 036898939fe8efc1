/**
 * The reading side of a connection: decodes requests and has them handled one after the other. While the next request has to
 * wait, the socket is paused and TCP makes the client wait.
 */

import type { Codec } from '../../dialects/dialect.ts';
import type { RefusalCode } from '../../protocol/vocabulary.ts';
import type { Wire } from '../../transport/tcp.ts';
import type { TokenBucket } from './rate-limiter.ts';

export interface RequestHandler {
  /** Returns a promise if the next request has to wait for this one. */
  request(request: readonly unknown[] | undefined): undefined | Promise<void>;
  /** The stream can no longer be decoded. */
  fault(fault: RefusalCode): void;
  /** The client has closed its side, and all its requests have been handled. */
  finished(): void;
  /** True while requests must wait. Call `wakeIfPaused` when this may have changed. */
  mustPause(): boolean;
  /** Must call `resumeReading` soon, but not before it returns. */
  wake(): void;
}

export class RequestIntake {
  readonly #wire: Wire;
  readonly #codec: Codec;
  readonly #rate: TokenBucket;
  readonly #handler: RequestHandler;
  #isPaused = false;
  /** True while the next request waits for the one being handled. */
  #isBusy = false;
  #isWakeDue = false;
  #hasEnded = false;
  #isClosed = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(wire: Wire, codec: Codec, rate: TokenBucket, handler: RequestHandler) {
    this.#wire = wire;
    this.#codec = codec;
    this.#rate = rate;
    this.#handler = handler;
  }

  /** When the client last sent something, in the clock of `performance.now`; undefined while reading is paused. */
  get heardAt(): number | undefined {
    return this.#isPaused ? undefined : this.#rate.filledAt;
  }

  /** Takes the next bytes. Returns a promise if one of their requests has to wait; it resolves once that one has been handled. */
  take(bytes: Buffer): undefined | Promise<void> {
    if (this.#isClosed) return undefined;
    this.#codec.push(bytes);
    return this.#read();
  }

  /** The client has closed its side. */
  end(): void {
    this.#hasEnded = true;
    if (!this.#isPaused && !this.#isClosed) this.#handler.finished();
  }

  resumeReading(): undefined | Promise<void> {
    this.#isWakeDue = false;
    return this.#read();
  }

  /** Asks the handler for `resumeReading`, at most once until that happens, because the reason to pause may be gone. */
  wakeIfPaused(): void {
    if (!this.#isPaused || this.#isWakeDue || this.#isClosed) return;
    this.#isWakeDue = true;
    this.#handler.wake();
  }

  /** Handles no more requests, and discards all further input. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  #read(): undefined | Promise<void> {
    // The request being handled calls this method again when it is done.
    if (this.#isBusy) return undefined;
    this.#rate.fill(performance.now());
    while (!this.#isClosed) {
      if (this.#mustWait()) {
        this.#pause();
        return undefined;
      }
      const next = this.#codec.next();
      if (next.type === 'more') {
        this.#resume();
        if (this.#hasEnded) this.#handler.finished();
        return undefined;
      }
      if (next.type === 'fault') {
        this.#handler.fault(next.fault);
        return undefined;
      }
      this.#rate.take();
      const handling = this.#handler.request(next.request);
      if (handling === undefined) continue;
      this.#isBusy = true;
      this.#pause();
      return handling.then(() => {
        this.#isBusy = false;
        return this.#read();
      });
    }
    return undefined;
  }

  #mustWait(): boolean {
    if (this.#handler.mustPause()) return true;
    const { waitMs } = this.#rate;
    if (waitMs === 0) return false;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.wakeIfPaused();
    }, waitMs);
    return true;
  }

  #pause(): void {
    this.#isPaused = true;
    this.#wire.pause();
  }

  #resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#wire.resume();
  }
}
