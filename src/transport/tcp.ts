/** The TCP wire: a listener, and one `Wire` per connection. */

import { createServer, type Server, type Socket } from 'node:net';
import { endpointName } from './socket-table.ts';

/** A connection as bytes, whatever carries them. */
export interface Wire {
  /** The peer's address, without the port. */
  readonly address: string;
  readonly buffered: number;
  write(bytes: Buffer): void;
  /** Resolves with true when little is buffered, or the connection has ended; with false after `timeoutMs`. */
  drained(timeoutMs: number): Promise<boolean>;
  pause(): void;
  resume(): void;
  /** Sends what was written, then closes the connection, at the latest after a deadline. */
  end(): void;
  destroy(): void;
  /** Whether this is one of the given connections: local ends by remote ends, as in `Endpoints`. */
  isAmong(locals: ReadonlyMap<string, string>): boolean;
  /**
   * Closes the connection at once because its peer is gone. Unsent data is dropped, and the handler gets `reason` as
   * the error.
   */
  abandon(reason: string): void;
}

export interface WireHandler {
  data(bytes: Buffer): void;
  /** The peer will send no more. It may still be reading. */
  ended(): void;
  /** Called exactly once, last. */
  closed(error: Error | undefined): void;
}

export type Listening =
  | {
      readonly type: 'listening';
      readonly port: number;
      /** Stops accepting connections; open ones continue. */
      stop(): void;
    }
  | { readonly type: 'failed'; readonly code: string; readonly text: string };

export interface ListenOptions {
  readonly host: string;
  /** 0 picks a free port. */
  readonly port: number;
  /** Lets several threads listen on the same port, with connections spread by the kernel. Linux only. */
  readonly reusePort: boolean;
  /** How long a connection is idle before the system probes its peer. */
  readonly keepAliveMs?: number;
}

const END_TIMEOUT_MS = 2_000;
/**
 * An idle peer counts as lost when it has answered no probe: after 85 s. `peer-watch.ts` finds lost peers with data in
 * flight; a peer lost to both in turn is still found within 3 minutes. Node before 26.4 sends 10 probes in 10 s
 * instead.
 */
const KEEP_ALIVE_MS = 60_000;
const PROBES = 5;
/** The initial idle time divided by the interval between probes. */
const IDLE_TO_PROBE_RATIO = 12;
/**
 * A whole backlog is accepted in one turn of the event loop, so a longer one would delay connected clients (measured).
 */
const BACKLOG = 512;

export function listenTcp(options: ListenOptions, accept: (wire: Wire) => WireHandler): Promise<Listening> {
  const { keepAliveMs = KEEP_ALIVE_MS } = options;
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    socket.setKeepAlive(true, keepAliveMs, Math.max(1_000, keepAliveMs / IDLE_TO_PROBE_RATIO), PROBES);
    const wire = new TcpWire(socket);
    wire.serve(accept(wire));
  });
  return new Promise((resolve) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      resolve({ type: 'failed', code: error.code ?? 'UNKNOWN', text: error.message });
    });
    server.listen({ ...options, backlog: BACKLOG }, () => {
      // An error while accepting a connection (too many open files) must not end the server.
      server.on('error', () => {});
      resolve({ type: 'listening', port: portOf(server), stop: () => server.close() });
    });
  });
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

class TcpWire implements Wire {
  readonly address: string;
  readonly #socket: Socket;
  #failure: Error | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    // A dual-stack listener (`::`) reports IPv4 addresses as ::ffff:192.0.2.1.
    this.address = (socket.remoteAddress ?? 'unknown').replace(/^::ffff:(?=\d+\.)/i, '');
  }

  serve(handler: WireHandler): void {
    this.#socket.on('data', (bytes: Buffer) => handler.data(bytes));
    this.#socket.on('end', () => handler.ended());
    this.#socket.on('error', (error) => {
      this.#failure = error;
    });
    this.#socket.on('close', () => handler.closed(this.#failure));
  }

  isAmong(locals: ReadonlyMap<string, string>): boolean {
    const socket = this.#socket;
    const local = locals.get(endpointName(socket.remoteAddress, socket.remotePort));
    // Check the remote end first: the local end costs a system call and memory per socket, too much for thousands of
    // connections.
    return local !== undefined && local === endpointName(socket.localAddress, socket.localPort);
  }

  get buffered(): number {
    return this.#socket.writableLength;
  }

  write(bytes: Buffer): void {
    if (this.#socket.writable) this.#socket.write(bytes);
  }

  drained(timeoutMs: number): Promise<boolean> {
    const socket = this.#socket;
    if (!socket.writableNeedDrain || socket.destroyed) return Promise.resolve(true);
    return new Promise((resolve) => {
      const settle = (isDrained: boolean): void => {
        clearTimeout(deadline);
        socket.off('drain', onDrain).off('close', onDrain);
        resolve(isDrained);
      };
      const onDrain = (): void => settle(true);
      const deadline = setTimeout(settle, timeoutMs, false);
      socket.once('drain', onDrain).once('close', onDrain);
    });
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  end(): void {
    this.#socket.end();
    // The peer may never read the rest, or never close its side.
    const deadline = setTimeout(() => this.#socket.destroy(), END_TIMEOUT_MS);
    this.#socket.once('close', () => clearTimeout(deadline));
    this.#socket.resume();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  abandon(reason: string): void {
    this.#failure ??= new Error(reason);
    this.#socket.resetAndDestroy();
  }
}
