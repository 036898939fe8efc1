/** A wire without a network: it records the calls it receives, and what is written to it. */

import type { Wire } from '../../src/transport/tcp.ts';
import { type Frame, frameReader } from './frames.ts';

export class TestWire implements Wire {
  readonly address = '192.0.2.1';
  buffered = 0;
  readonly frames: Frame[] = [];
  isPaused = false;
  hasEnded = false;
  abandoned: string | undefined;
  readonly #read = frameReader((frame) => this.frames.push(frame));

  write(bytes: Buffer): void {
    this.#read(Buffer.from(bytes));
  }
  drained(): Promise<boolean> {
    return Promise.resolve(true);
  }
  pause(): void {
    this.isPaused = true;
  }
  resume(): void {
    this.isPaused = false;
  }
  end(): void {
    this.hasEnded = true;
  }
  destroy(): void {}
  isAmong(locals: ReadonlyMap<string, string>): boolean {
    return locals.has('this one');
  }
  abandon(reason: string): void {
    this.abandoned = reason;
  }
}
