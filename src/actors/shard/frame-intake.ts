/**
 * The reading side of a connection: cuts what comes in into bodies and has them handled one after the other, as far
 * as that may go. While it may not, the socket is paused, and TCP holds the peer back.
 */

import { FrameDecoder, type HeaderFault } from '../../protocol/frame.ts';
import type { Wire } from '../../transport/tcp.ts';
import type { FloodGate } from './rate-limiter.ts';

export interface InletHandler {
  /** A promise when the next body has to wait for this one. */
  body(body: Buffer): undefined | Promise<unknown>;
  fault(fault: HeaderFault): void;
  /** The peer has ended its half, and everything that it sent has been handled. */
  ended(): void;
  /** True while nothing more may be handled; `goOn` is to be called when that has changed. */
  isHeldBack(): boolean;
  /** Asks for a call of `goOn`. */
  wake(): void;
}

export class Inlet {
  readonly #wire: Wire;
  readonly #flood: FloodGate;
  readonly #handler: InletHandler;
  readonly #decoder: FrameDecoder;
  #isPaused = false;
  #isWakeDue = false;
  #hasEnded = false;
  #isShut = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(wire: Wire, limit: number, flood: FloodGate, handler: InletHandler) {
    this.#wire = wire;
    this.#flood = flood;
    this.#handler = handler;
    this.#decoder = new FrameDecoder(limit);
  }

  /** Largest body that is accepted from here on, in bytes. */
  set limit(bytes: number) {
    this.#decoder.limit = bytes;
  }

  /** When the peer gave a sign of life last; undefined while this side does not read. In the clock of `performance.now`. */
  get heardAt(): number | undefined {
    return this.#isPaused ? undefined : this.#flood.filledAt;
  }

  take(bytes: Buffer): undefined | Promise<void> {
    if (this.#isShut) return undefined;
    this.#decoder.push(bytes);
    return this.#read();
  }

  end(): void {
    this.#hasEnded = true;
    if (!this.#isPaused && !this.#isShut) this.#handler.ended();
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
    this.#flood.fill(performance.now());
    while (!this.#isShut) {
      if (this.#mustWait()) {
        this.#pause();
        return undefined;
      }
      const decoded = this.#decoder.next();
      if (decoded.type === 'more') {
        this.#resume();
        if (this.#hasEnded) this.#handler.ended();
        return undefined;
      }
      if (decoded.type === 'fault') {
        this.#handler.fault(decoded.fault);
        return undefined;
      }
      this.#flood.take();
      const handling = this.#handler.body(decoded.body);
      if (handling === undefined) continue;
      this.#pause();
      return handling.then(() => this.#read());
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
