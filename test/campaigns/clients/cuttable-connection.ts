/** A client's connection that can be cut at any byte, in either direction, and can stop reading. */

import { connect, type Socket } from 'node:net';
import { encodeFrame } from '../../../src/protocol/codec.ts';
import { type Frame, frameReader } from '../../support/frames.ts';

/**
 * `reset` sends RST. `close` ends both directions. `half` ends the client's side, and reads on until the end.
 */
export type CutKind = 'reset' | 'close' | 'half';

/** Where a connection cuts itself. */
export interface Cut {
  /** Whether received or sent bytes are counted. */
  readonly side: 'in' | 'out';
  /** Counted from the start of the connection. Bytes after that are never seen. */
  readonly bytes: number;
  readonly way: CutKind;
}

export interface ConnectionHandler {
  frame(frame: Frame): void;
  /** Called once, last, in the same turn as a cut. */
  ended(): void;
}

export class CuttableConnection {
  readonly #socket: Socket;
  readonly #handler: ConnectionHandler;
  #cut: Cut | undefined;
  readonly #read = frameReader((frame) => {
    if (!this.isOver) this.#handler.frame(frame);
  });
  #nextId = 1;
  #taken = 0;
  #written = 0;
  /** True once the client has ended its side. */
  isHalf = false;
  isOver = false;

  /**
   * Undefined if nobody listens or the connection was refused. `from` is the local address, in 127.0.0.0/8:
   * the server counts failed logins per address.
   */
  static open(
    port: number,
    handler: ConnectionHandler,
    { cut, from = '127.0.0.1' }: { readonly cut?: Cut | undefined; readonly from?: string | undefined } = {},
  ): Promise<CuttableConnection | undefined> {
    return new Promise((resolve) => {
      const socket = connect({ host: '127.0.0.1', port, localAddress: from, noDelay: true });
      socket.once('error', () => resolve(undefined));
      socket.once('connect', () => resolve(new CuttableConnection(socket, handler, cut)));
    });
  }

  constructor(socket: Socket, handler: ConnectionHandler, cut: Cut | undefined) {
    this.#socket = socket;
    this.#handler = handler;
    this.#cut = cut;
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('error', () => {});
    socket.on('close', () => this.#end());
  }

  /**
   * Sends a request and returns its id; undefined unless all of it was written and the connection is still
   * open.
   */
  request(verb: string, ...values: readonly unknown[]): number | undefined {
    const id = this.#nextId;
    this.#nextId += 1;
    return this.#write(encodeFrame([verb, id, ...values])) ? id : undefined;
  }

  /** Ends the connection as a failing network or a departing client would. */
  cut(way: CutKind): void {
    if (this.isOver) return;
    if (way === 'half') {
      this.isHalf = true;
      this.#socket.end();
      return;
    }
    // Node cannot reset a half-closed connection, and would never close it.
    if (way === 'reset' && !this.isHalf) this.#socket.resetAndDestroy();
    else this.#socket.destroy();
    this.#end();
  }

  /** The connection no longer cuts itself. */
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
