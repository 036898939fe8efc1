/**
 * The load test's wire for Socket.IO, over WebSocket only. Socket.IO defines how events are named and answered, but not how to
 * chat. The server (`bench/peers/socket-io-relay.ts`) accepts the events `enter` (name), `join` (room) and `say` (to, text),
 * answers each with nothing or with a code, and sends `message` (from, to, text) to each recipient.
 */

import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import { within } from '../../src/common/deadline.ts';
import type {
  Connection,
  Credentials,
  Endpoint,
  LoginResult,
  ResumePoint,
  Wire,
  WireHandler,
} from '../../src/load/wires/client-wire.ts';
import { readPacket } from './socket-io-packet.ts';

const CONNECT_MS = 10_000;
const ANSWER_MS = 60_000;
const LONGEST_PACKET = 1_048_576;

/** The longest text, in bytes. The library's own limit is 1 MB, but chat messages are shorter. */
const LONGEST_TEXT = 8_192;

const NOTHING: ResumePoint = { token: undefined, lastId: 0 };

const PONG = '3';
const CONNECT = '40';
const DISCONNECT = '41';

/** Undefined if the connection ended first. */
type Answer = { readonly refusal: string | undefined } | undefined;

export const wire: Wire = {
  name: 'socket.io',
  acknowledges: true,
  resumes: false,
  hasOrder: false,
  longestText: LONGEST_TEXT,
  connect: open,
};

function open({ host, port, from }: Endpoint, handler: WireHandler): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const webSocket = new WebSocket(`ws://${authority(host, port)}/socket.io/?EIO=4&transport=websocket`, {
      perMessageDeflate: false,
      handshakeTimeout: CONNECT_MS,
      maxPayload: LONGEST_PACKET,
      skipUTF8Validation: true,
      ...(from === undefined ? {} : { localAddress: from }),
    });
    webSocket.on('error', reject);
    webSocket.once('upgrade', ({ socket }) => {
      socket.setNoDelay(true);
      const connection = new SocketIoConnection(webSocket, socket, handler);
      webSocket.once('open', () => {
        webSocket.off('error', reject);
        connection.begin();
        resolve(connection);
      });
    });
  });
}

class SocketIoConnection implements Connection {
  readonly #webSocket: WebSocket;
  readonly #socket: Socket;
  readonly #handler: WireHandler;
  readonly #asked = new Map<number, (answer: Answer) => void>();
  #nextRequest = 0;
  #connecting: ((refusal: string | undefined) => void) | undefined;
  #isConnected = false;
  /** True while packets are collected until the end of this turn of the event loop, to be written at once. */
  #isCorked = false;
  readonly #uncork = (): void => {
    this.#isCorked = false;
    this.#socket.uncork();
  };
  #reason: string | undefined;

  constructor(webSocket: WebSocket, socket: Socket, handler: WireHandler) {
    this.#webSocket = webSocket;
    this.#socket = socket;
    this.#handler = handler;
    webSocket.on('message', (data: unknown) => {
      if (!Buffer.isBuffer(data)) return;
      this.#handler.readStarted();
      this.#read(data);
    });
  }

  begin(): void {
    this.#webSocket.on('error', (error) => {
      this.#reason ??= 'code' in error ? String(error.code) : error.message;
    });
    this.#webSocket.once('close', (code) => {
      this.#connecting?.('');
      for (const settle of this.#asked.values()) settle(undefined);
      this.#asked.clear();
      this.#handler.closed(this.#reason ?? `the server closed the connection (${code})`);
    });
  }

  async login({ name }: Credentials): Promise<LoginResult> {
    const refusal = await this.#connect();
    if (refusal !== undefined) return refusal === '' ? { type: 'lost' } : { type: 'refused', code: refusal };
    const answer = await this.#ask('enter', name);
    if (answer === undefined) return { type: 'lost' };
    if (answer.refusal !== undefined) return { type: 'refused', code: answer.refusal };
    this.#handler.live();
    return { type: 'ok' };
  }

  async join(room: string): Promise<boolean> {
    const answer = await this.#ask('join', room);
    return answer !== undefined && answer.refusal === undefined;
  }

  send(to: string, text: Buffer, number: number): void {
    // Messages have odd ids.
    this.#write(`42${number * 2 + 1}${JSON.stringify(['say', to, text.toString('latin1')])}`);
  }

  pause(): void {
    this.#webSocket.pause();
  }

  resume(): void {
    this.#webSocket.resume();
  }

  resumePoint(): ResumePoint {
    return NOTHING;
  }

  quit(): void {
    this.#reason ??= '';
    this.#webSocket.resume();
    if (this.#isConnected) this.#write(DISCONNECT);
    this.#webSocket.close();
  }

  destroy(): void {
    this.#fail('');
  }

  #fail(reason: string): void {
    this.#reason ??= reason;
    this.#webSocket.terminate();
  }

  #write(packet: string): void {
    if (this.#webSocket.readyState !== WebSocket.OPEN) return;
    if (!this.#isCorked) {
      this.#isCorked = true;
      this.#socket.cork();
      setImmediate(this.#uncork);
    }
    this.#webSocket.send(packet);
  }

  /** Why the Socket.IO connection, which must precede all events, was refused; empty if the WebSocket ended. */
  async #connect(): Promise<string | undefined> {
    if (this.#isConnected) return undefined;
    if (this.#webSocket.readyState !== WebSocket.OPEN) return '';
    const connected = Promise.withResolvers<string | undefined>();
    this.#connecting = connected.resolve;
    this.#write(CONNECT);
    const refusal = await within(connected.promise, ANSWER_MS, 'timed_out');
    this.#connecting = undefined;
    this.#isConnected = refusal === undefined;
    return refusal;
  }

  async #ask(event: string, argument: string): Promise<Answer> {
    if (this.#webSocket.readyState !== WebSocket.OPEN) return undefined;
    const id = this.#nextRequest * 2;
    this.#nextRequest += 1;
    const answered = Promise.withResolvers<Answer>();
    this.#asked.set(id, answered.resolve);
    this.#write(`42${id}${JSON.stringify([event, argument])}`);
    const answer = await within<Answer | 'late'>(answered.promise, ANSWER_MS, 'late');
    if (answer !== 'late') return answer;
    this.#fail(`no answer to ${event} in ${ANSWER_MS / 1_000} s`);
    return undefined;
  }

  #read(bytes: Buffer): void {
    const packet = readPacket(bytes);
    switch (packet.type) {
      case 'message':
        this.#handler.message(packet.bytes, packet.start, packet.end, 0);
        return;
      case 'answer':
        this.#answer(packet.id, packet.refusal);
        return;
      case 'ping':
        this.#write(PONG);
        return;
      case 'connected':
        this.#connecting?.(undefined);
        return;
      case 'refused':
        this.#connecting?.(packet.reason || 'refused');
        return;
      case 'disconnected':
        this.#fail('disconnected by the server');
        return;
      case 'other':
        return;
      default:
        packet satisfies never;
    }
  }

  #answer(id: number, refusal: string | undefined): void {
    if (id % 2 === 1) {
      const number = (id - 1) / 2;
      if (refusal === undefined) this.#handler.acknowledged(number, 0);
      else this.#handler.refused(number, refusal);
      return;
    }
    this.#asked.get(id)?.({ refusal });
    this.#asked.delete(id);
  }
}

function authority(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
