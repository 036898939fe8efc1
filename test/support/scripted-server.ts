/** A server that follows a script: for answers and losses that a real one produces only by accident. */

import { createServer, type Server, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { encodeFrame } from '../../src/protocol/codec.ts';
import { frameReader } from './frames.ts';
import { listen, portOf } from './listen.ts';
import { until } from './process.ts';

export interface Request {
  /** Connections are numbered from 1. */
  readonly connection: number;
  readonly verb: string;
  readonly id: unknown;
  readonly values: readonly unknown[];
  /** In ms, from a monotonic clock. */
  readonly at: number;
}

export interface Caller {
  readonly connection: number;
  send(...frames: Array<readonly unknown[]>): void;
  sendBytes(bytes: Buffer): void;
  /** Ends the connection at once, without a farewell. */
  drop(): void;
  end(): void;
}

/** Returns true if it has handled the request; otherwise the usual answer is sent, if there is one. */
export type Script = (request: Request, caller: Caller) => boolean;

export class ScriptedServer {
  readonly requests: Request[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #script: Script;
  #connections = 0;
  /** The id of the newest entry. */
  #lastId = 1;

  static async start(script: Script = () => false): Promise<ScriptedServer> {
    const scripted = new ScriptedServer(script);
    await listen(scripted.#server);
    onTestFinished(() => scripted.stop());
    return scripted;
  }

  private constructor(script: Script) {
    this.#script = script;
    this.#server = createServer((socket) => this.#serve(socket));
  }

  get port(): number {
    return portOf(this.#server);
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** The requests with a verb, once there are that many. */
  async asked(verb: string, count = 1): Promise<readonly Request[]> {
    const find = (): Request[] => this.requests.filter((request) => request.verb === verb);
    await until(`${count} × ${verb}`, () => find().length >= count, {
      state: () => JSON.stringify(this.requests),
    });
    return find();
  }

  /** Sends to every connection. */
  say(...frames: Array<readonly unknown[]>): void {
    for (const socket of this.#sockets) socket.write(Buffer.concat(frames.map(encodeFrame)));
  }

  /** Ends every connection at once, without a farewell. */
  hangUp(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    this.hangUp();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    this.#connections += 1;
    const caller: Caller = {
      connection: this.#connections,
      send: (...frames) => void socket.write(Buffer.concat(frames.map(encodeFrame))),
      sendBytes: (bytes) => void socket.write(bytes),
      drop: () => socket.destroy(),
      end: () => socket.end(),
    };
    const read = frameReader(([verb, id, ...values]) => {
      const { connection } = caller;
      const request = { connection, verb: String(verb), id, values, at: performance.now() };
      this.requests.push(request);
      if (!this.#script(request, caller)) this.#answerAsUsual(request, caller);
    });
    socket.on('error', () => {});
    socket.on('data', read);
  }

  #answerAsUsual({ verb, id, values }: Request, caller: Caller): void {
    switch (verb) {
      case 'login':
      case 'resume':
      case 'guest':
        caller.send(['ok', id, { user: values[0], rooms: [] }], ['live', this.#lastId]);
        return;
      case 'send':
        this.#lastId += 1;
        caller.send(['ok', id, [this.#lastId, this.#lastId]]);
        return;
      case 'join':
        this.#lastId += 1;
        caller.send(['ok', id, [this.#lastId, [[], null]]]);
        return;
      case 'leave':
        this.#lastId += 1;
        caller.send(['ok', id, [this.#lastId]]);
        return;
      case 'history':
        caller.send(['ok', id, [[], null]]);
        return;
      case 'search':
        caller.send(['ok', id, [[], null, true]]);
        return;
      case 'quit':
        caller.send(['ok', id], ['bye', 'quit', 'goodbye']);
        caller.end();
        return;
      default:
        caller.send(['ok', id, null]);
    }
  }
}
