/** One connection of a client, which can be cut at any byte, in either direction, and can stop reading. */

import { connect, type Socket } from 'node:net';
import { encodeFrame } from '../../../src/protocol/codec.ts';
import { type Frame, frameReader } from '../../support/frames.ts';

/** `reset`: RST. `close`: both directions end. `half`: the client will write no more, and reads on until the end. */
export type Way = 'reset' | 'close' | 'half';

/** Where a connection is cut by itself. */
export interface Cut {
  /** Counted are the bytes that came from the server, or those that were written to it. */
  readonly side: 'in' | 'out';
  /** From the beginning of the connection; whatever lies behind is never seen. */
  readonly bytes: number;
  readonly way: Way;
}

export interface LinkHandler {
  frame(frame: Frame): void;
  /** Called once, last; in the very turn of a cut. */
  ended(): void;
}

export class Link {
  readonly #socket: Socket;
  readonly #handler: LinkHandler;
  #cut: Cut | undefined;
  readonly #read = frameReader((frame) => {
    if (!this.isOver) this.#handler.frame(frame);
  });
  #nextId = 1;
  #taken = 0;
  #written = 0;
  /** True when the client has ended its half. */
  isHalf = false;
  isOver = false;

  /**
   * Undefined if nobody listens, or the connection was refused. `from`: the local address, of 127.0.0.0/8; the server
   * counts failed logins by address.
   */
  static open(
    port: number,
    handler: LinkHandler,
    { cut, from = '127.0.0.1' }: { readonly cut?: Cut | undefined; readonly from?: string | undefined } = {},
  ): Promise<Link | undefined> {
    return new Promise((resolve) => {
      const socket = connect({ host: '127.0.0.1', port, localAddress: from, noDelay: true });
      socket.once('error', () => resolve(undefined));
      socket.once('connect', () => resolve(new Link(socket, handler, cut)));
    });
  }

  constructor(socket: Socket, handler: LinkHandler, cut: Cut | undefined) {
    this.#socket = socket;
    this.#handler = handler;
    this.#cut = cut;
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('error', () => {});
    socket.on('close', () => this.#end());
  }

  /** Sends a request. Its id, or undefined if not all of it could be written, or the connection has ended right behind it. */
  request(verb: string, ...values: readonly unknown[]): number | undefined {
    const id = this.#nextId;
    this.#nextId += 1;
    return this.#write(encodeFrame([verb, id, ...values])) ? id : undefined;
  }

  /** Ends the connection as a failing network, or a client that goes, would do. */
  cut(way: Way): void {
    if (this.isOver) return;
    if (way === 'half') {
      this.isHalf = true;
      this.#socket.end();
      return;
    }
    // Node cannot reset a connection whose half is being ended, and would never close it.
    if (way === 'reset' && !this.isHalf) this.#socket.resetAndDestroy();
    else this.#socket.destroy();
    this.#end();
  }

  /** From here on it is not cut by itself any more. */
  spare(): void {
    this.#cut = undefined;
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  #write(bytes: Buffer): boolean {
    if (this.isOver || this.isHalf || this.#socket.destroyed) return false;
    const left = this.#cut?.side === 'out' ? this.#cut.bytes - this.#written : Number.POSITIVE_INFINITY;
    this.#written += bytes.length;
    this.#socket.write(bytes.subarray(0, left));
    if (left <= bytes.length) this.cut(this.#cut?.way ?? 'close');
    return left >= bytes.length && !this.isOver;
  }

  #receive(chunk: Buffer): void {
    if (this.isOver) return;
    const { side, bytes, way } = this.#cut ?? {};
    const left = side === 'in' ? (bytes ?? 0) - this.#taken : Number.POSITIVE_INFINITY;
    this.#taken += chunk.length;
    if (left <= 0 || left > chunk.length) {
      this.#read(chunk);
      return;
    }
    this.#read(chunk.subarray(0, left));
    this.cut(way ?? 'close');
    this.#read(chunk.subarray(left));
  }

  #end(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.#handler.ended();
  }
}
