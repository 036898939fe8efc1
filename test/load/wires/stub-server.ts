/** A TCP server whose output the test controls. */

import { createServer, type Server, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import type { Endpoint } from '../../../src/load/wires/client-wire.ts';
import { listen, portOf } from '../../support/listen.ts';
import { until } from '../../support/process.ts';

export class StubServer {
  readonly #server: Server;
  readonly #sockets: Socket[] = [];
  /** The input, in the pieces in which it arrived. */
  readonly pieces: string[] = [];

  static async start(): Promise<StubServer> {
    const stub = new StubServer();
    await listen(stub.#server);
    onTestFinished(() => stub.stop());
    return stub;
  }

  private constructor() {
    this.#server = createServer({ noDelay: true }, (socket) => {
      this.#sockets.push(socket);
      socket.on('error', () => {});
      socket.on('data', (piece) => this.pieces.push(piece.toString('latin1')));
    });
  }

  get endpoint(): Endpoint {
    return { host: '127.0.0.1', port: portOf(this.#server), from: undefined };
  }

  get heard(): string {
    return this.pieces.join('');
  }

  async hears(text: string): Promise<void> {
    await until(`to hear ${text}`, () => this.heard.includes(text), { state: () => this.heard });
  }

  say(text: string): void {
    for (const socket of this.#sockets) socket.write(text, 'latin1');
  }

  /** Writes one byte at a time, so that most arrive in a piece of their own. */
  async sayByBytes(text: string): Promise<void> {
    for (const byte of Buffer.from(text, 'latin1')) {
      for (const socket of this.#sockets) socket.write(Buffer.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Closes the connections. */
  end(): void {
    for (const socket of this.#sockets) socket.end();
  }

  /** Resets the connections, as a crash would. */
  reset(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
