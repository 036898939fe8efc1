/** Parley's own protocol, on a socket. */

import { connect, type Socket } from 'node:net';
import { encodeFrame } from '../../protocol/codec.ts';
import { LIMITS } from '../../protocol/vocabulary.ts';
import type { Connection, Endpoint, LoggedIn, Past, Visitor, Wire, WireHandler } from './client-wire.ts';
import { type FrameReceiver, ParleyFrames } from './parley-frames.ts';
import { sendBytes, writeSend } from './parley-send.ts';
import { SendQueue } from './send-queue.ts';

const CONNECT_MS = 10_000;
/** Longer than a full queue of password checks takes. */
const ANSWER_MS = 60_000;
/** Request ids from here on are those of messages. */
const SENDS = 2 ** 21;
const QUEUE_LIMIT = 16 * 1_024 * 1_024;
const READ_BYTES = 65_536;
const BUSY = new Set<unknown>(['busy', 'unavailable', 'timed_out', 'too_many_attempts', 'storage_failed']);

/** What one read brings, of whatever connection: it is taken before the next read. */
const readBuffer = Buffer.allocUnsafeSlow(READ_BYTES);

export const parleyWire: Wire = {
  name: 'parley',
  acknowledges: true,
  resumes: true,
  hasOrder: true,
  longestText: LIMITS.text,
  connect: open,
};

function open({ host, port, from }: Endpoint, handler: WireHandler): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      host,
      port,
      noDelay: true,
      ...(from === undefined ? {} : { localAddress: from }),
      onread: { buffer: readBuffer, callback: (size) => connection.read(size) },
    });
    const connection = new ParleyConnection(socket, handler);
    const deadline = setTimeout(() => socket.destroy(new Error('connect timed out')), CONNECT_MS);
    socket.once('error', reject);
    socket.once('close', () => clearTimeout(deadline));
    socket.once('connect', () => {
      clearTimeout(deadline);
      socket.off('error', reject);
      connection.begin();
      resolve(connection);
    });
  });
}

type Settle = (answer: readonly unknown[] | undefined) => void;

class ParleyConnection implements Connection, FrameReceiver {
  readonly #socket: Socket;
  readonly #handler: WireHandler;
  readonly #queue: SendQueue;
  readonly #asked = new Map<unknown, Settle>();
  #nextId = 1;
  readonly #frames = new ParleyFrames(this);
  #token: string | undefined;
  #lastId = 0;
  #farewell = '';
  #isLive = false;
  #isQuitting = false;

  constructor(socket: Socket, handler: WireHandler) {
    this.#socket = socket;
    this.#handler = handler;
    this.#queue = new SendQueue(socket, QUEUE_LIMIT, () =>
      socket.destroy(new Error('the server does not read')),
    );
  }

  begin(): void {
    let failure = '';
    this.#socket.on('error', (error) => {
      failure = error.message;
    });
    this.#socket.once('close', () => {
      this.#queue.close();
      for (const settle of this.#asked.values()) settle(undefined);
      this.#asked.clear();
      const isInOrder = this.#isQuitting && failure === '';
      this.#handler.closed(isInOrder ? '' : this.#farewell || failure || 'the server closed the connection');
    });
  }

  async enter(visitor: Visitor, past: Past | undefined): Promise<LoggedIn> {
    const { name, password } = visitor;
    // One that is larger than all ids asks for nothing that was said before.
    this.#lastId = past?.lastId ?? 0;
    const lastId = past?.lastId ?? Number.MAX_SAFE_INTEGER;
    const answer =
      password === undefined
        ? await this.#ask('guest', name)
        : past?.token === undefined
          ? await this.#ask('login', name, password, lastId)
          : await this.#ask('resume', name, past.token, lastId);
    if (answer === undefined) return { type: 'lost' };
    const [type, , result] = answer;
    if (type === 'ok') {
      this.#token = tokenIn(result) ?? this.#token;
      return { type: 'in' };
    }
    if (result === 'bad_token' && past?.token !== undefined)
      return this.enter(visitor, { ...past, token: undefined });
    return BUSY.has(result) ? { type: 'busy' } : { type: 'refused', code: codeOf(result) };
  }

  async join(room: string): Promise<boolean> {
    return (await this.#ask('join', room))?.[0] === 'ok';
  }

  send(to: string, text: Buffer, number: number, key: string | undefined): void {
    const name = nameBytes(to);
    const most = sendBytes(name, text, key);
    this.#queue.push(most, (block, start) => writeSend(block, start, SENDS + number, name, text, key));
  }

  #push(...values: readonly unknown[]): void {
    const frame = encodeFrame(values);
    this.#queue.push(frame.length, (block, start) => start + frame.copy(block, start));
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  past(): Past {
    return { token: this.#token, lastId: this.#lastId };
  }

  quit(): void {
    this.#isQuitting = true;
    this.#push('quit', 0);
    setTimeout(() => this.#socket.destroy(), CONNECT_MS).unref();
  }

  destroy(): void {
    this.#isQuitting = true;
    this.#frames.stop();
    this.#socket.destroy();
  }

  #fail(reason: string): void {
    this.#frames.stop();
    this.#socket.destroy(new Error(reason));
  }

  /** Takes what a read has brought. Always true: a connection that is to read no more is paused. */
  read(size: number): boolean {
    this.#handler.came();
    if (!this.#frames.take(readBuffer, size)) this.#fail('the server sent what is no frame');
    return true;
  }

  message(bytes: Buffer, start: number, end: number, id: number): void {
    this.#handler.message(bytes, start, end, this.#reached(id));
  }

  acknowledged(request: number, id: number): void {
    if (request < SENDS) this.frame(['ok', request, [id]], 0);
    else this.#handler.acknowledged(request - SENDS, this.#reached(id));
  }

  frame(frame: readonly unknown[], bytes: number): void {
    const [type, id, code] = frame;
    if (type === 'ok' || type === 'error') {
      const settle = this.#asked.get(id);
      this.#asked.delete(id);
      if (settle !== undefined) settle(frame);
      else if (typeof id === 'number' && id >= SENDS) this.#answered(type, id - SENDS, code);
      else this.#handler.unasked(bytes);
    } else if (type === 'message') this.#said(frame);
    else if (type === 'live' && !this.#isLive) {
      this.#isLive = true;
      this.#reached(id);
      this.#handler.live();
    } else if (type === 'bye') this.#farewell = `bye ${codeOf(id)}`;
    else this.#handler.unasked(bytes);
  }

  /** A server may write numbers in other forms than Parley's own does. */
  #answered(type: 'ok' | 'error', number: number, result: unknown): void {
    if (type === 'error') this.#handler.refused(number, codeOf(result));
    else this.#handler.acknowledged(number, this.#reached(Array.isArray(result) ? result[0] : 0));
  }

  #said([, id, , , , text]: readonly unknown[]): void {
    const bytes = Buffer.from(typeof text === 'string' ? text : '');
    this.#handler.message(bytes, 0, bytes.length, this.#reached(id));
  }

  /** Everything up to this id has come, or is not for this user. */
  #reached(id: unknown): number {
    const reached = typeof id === 'number' ? id : 0;
    if (reached > this.#lastId) this.#lastId = reached;
    return reached;
  }

  #ask(verb: string, ...values: readonly unknown[]): Promise<readonly unknown[] | undefined> {
    if (this.#socket.destroyed) return Promise.resolve(undefined);
    const id = this.#nextId;
    this.#nextId += 1;
    this.#push(verb, id, ...values);
    return new Promise((resolve) => {
      const deadline = setTimeout(() => this.#socket.destroy(new Error(`no answer to ${verb}`)), ANSWER_MS);
      this.#asked.set(id, (answer) => {
        clearTimeout(deadline);
        resolve(answer);
      });
    });
  }
}

/** Recipients as bytes: those of a run are written to again and again. */
const names = new Map<string, Buffer>();

function nameBytes(name: string): Buffer {
  const known = names.get(name);
  if (known !== undefined) return known;
  const bytes = Buffer.from(name);
  names.set(name, bytes);
  return bytes;
}

/** A server may send anything in the place of a code. */
function codeOf(value: unknown): string {
  return typeof value === 'string' ? value : 'no code';
}

function tokenIn(result: unknown): string | undefined {
  if (typeof result !== 'object' || result === null || !('token' in result)) return undefined;
  return typeof result.token === 'string' ? result.token : undefined;
}
