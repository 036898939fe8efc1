/**
 * The reading side of a connection: has the requests in what comes in handled one after the other, as far as that may go.
 * While it may not, the socket is paused, and TCP holds the peer back.
 */

import type { Codec } from '../../dialects/dialect.ts';
import type { RefusalCode } from '../../protocol/vocabulary.ts';
import type { Wire } from '../../transport/tcp.ts';
import type { FloodGate } from './rate-limiter.ts';

export interface RequestHandler {
  /** A promise when the next request has to wait for this one. */
  request(request: readonly unknown[] | undefined): undefined | Promise<void>;
  /** What comes cannot be trusted any more. */
  fault(fault: RefusalCode): void;
  /** The peer has ended its half, and everything that it sent has been handled. */
  finished(): void;
  /** True while nothing more may be handled; `wakeIfPaused` is to be called when that has changed. */
  isHeldBack(): boolean;
  /** Asks for a call of `goOn`, soon but not at once. */
  wake(): void;
}

export class RequestIntake {
  readonly #wire: Wire;
  readonly #codec: Codec;
  readonly #flood: FloodGate;
  readonly #handler: RequestHandler;
  #isPaused = false;
  /** A request is being handled that the next one has to wait for. */
  #isBusy = false;
  #isWakeDue = false;
  #hasEnded = false;
  #isShut = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(wire: Wire, codec: Codec, flood: FloodGate, handler: RequestHandler) {
    this.#wire = wire;
    this.#codec = codec;
    this.#flood = flood;
    this.#handler = handler;
  }

  /** When the peer was last heard; undefined while this side does not read. In the clock of `performance.now`. */
  get heardAt(): number | undefined {
    return this.#isPaused ? undefined : this.#flood.filledAt;
  }

  /** Resolves when what had to wait has been handled. */
  take(bytes: Buffer): undefined | Promise<void> {
    if (this.#isShut) return undefined;
    this.#codec.push(bytes);
    return this.#read();
  }

  end(): void {
    this.#hasEnded = true;
    if (!this.#isPaused && !this.#isShut) this.#handler.finished();
  }

  goOn(): undefined | Promise<void> {
    this.#isWakeDue = false;
    return this.#read();
  }

  /** Something that held this back may have changed. Wakes it at most once until it goes on. */
  wakeIfPaused(): void {
    if (!this.#isPaused || this.#isWakeDue || this.#isShut) return;
    this.#isWakeDue = true;
    this.#handler.wake();
  }

  /** Handles nothing more, and drops what still comes. */
  shut(): void {
    this.#isShut = true;
    clearTimeout(this.#timer);
  }

  #read(): undefined | Promise<void> {
    // Goes on by itself when that has been handled.
    if (this.#isBusy) return undefined;
    this.#flood.fill(performance.now());
    while (!this.#isShut) {
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
      this.#flood.take();
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
    if (this.#handler.isHeldBack()) return true;
    const { wait } = this.#flood;
    if (wait === 0) return false;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.wakeIfPaused();
    }, wait);
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
