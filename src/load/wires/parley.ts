/** The wire for Parley's own protocol. */

import { connect, type Socket } from 'node:net';
import { encodeFrame } from '../../protocol/codec.ts';
import { LIMITS } from '../../protocol/vocabulary.ts';
import type {
  Connection,
  Credentials,
  Endpoint,
  LoginResult,
  ResumePoint,
  Wire,
  WireHandler,
} from './client-wire.ts';
import { type FrameReceiver, ParleyFrames } from './parley-frames.ts';
import { sendBytes, writeSend } from './parley-send.ts';
import { SendQueue } from './send-queue.ts';

const CONNECT_MS = 10_000;
/** Long enough for a full queue of password checks. */
const ANSWER_MS = 60_000;
/** The first request id of messages; smaller ids belong to other requests. */
const FIRST_SEND_ID = 2 ** 21;
const QUEUE_LIMIT = 16 * 1_024 * 1_024;
const READ_BYTES = 65_536;
const BUSY = new Set<unknown>(['busy', 'unavailable', 'timed_out', 'too_many_attempts', 'storage_failed']);

/** The buffer into which all connections read. Sharing is safe because each read is processed before the next. */
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

type Resolve = (answer: readonly unknown[] | undefined) => void;

class ParleyConnection implements Connection, FrameReceiver {
  readonly #socket: Socket;
  readonly #handler: WireHandler;
  readonly #queue: SendQueue;
  readonly #pending = new Map<unknown, Resolve>();
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
      for (const resolve of this.#pending.values()) resolve(undefined);
      this.#pending.clear();
      const isClean = this.#isQuitting && failure === '';
      this.#handler.closed(isClean ? '' : this.#farewell || failure || 'the server closed the connection');
    });
  }

  async login(credentials: Credentials, from: ResumePoint | undefined): Promise<LoginResult> {
    const { name, password } = credentials;
    // The largest id means that the client does not want any earlier messages.
    this.#lastId = from?.lastId ?? 0;
    const lastId = from?.lastId ?? Number.MAX_SAFE_INTEGER;
    const answer =
      password === undefined
        ? await this.#request('guest', name)
        : from?.token === undefined
          ? await this.#request('login', name, password, lastId)
          : await this.#request('resume', name, from.token, lastId);
    if (answer === undefined) return { type: 'lost' };
    const [type, , result] = answer;
    if (type === 'ok') {
      this.#token = tokenIn(result) ?? this.#token;
      return { type: 'ok' };
    }
    if (result === 'bad_token' && from?.token !== undefined)
      return this.login(credentials, { ...from, token: undefined });
    return BUSY.has(result) ? { type: 'busy' } : { type: 'refused', code: codeOf(result) };
  }

  async join(room: string): Promise<boolean> {
    return (await this.#request('join', room))?.[0] === 'ok';
  }

  send(to: string, text: Buffer, number: number, key: string | undefined): void {
    const name = nameBytes(to);
    const most = sendBytes(name, text, key);
    this.#queue.push(most, (block, start) =>
      writeSend(block, start, FIRST_SEND_ID + number, name, text, key),
    );
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

  resumePoint(): ResumePoint {
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

  /** Processes the first `size` bytes of the buffer. Always returns true, because reading stops with `pause`. */
  read(size: number): boolean {
    this.#handler.readStarted();
    if (!this.#frames.take(readBuffer, size)) this.#fail('the server sent an invalid frame');
    return true;
  }

  message(bytes: Buffer, start: number, end: number, id: number): void {
    this.#handler.message(bytes, start, end, this.#reached(id));
  }

  acknowledged(request: number, id: number): void {
    if (request < FIRST_SEND_ID) this.frame(['ok', request, [id]], 0);
    else this.#handler.acknowledged(request - FIRST_SEND_ID, this.#reached(id));
  }

  frame(frame: readonly unknown[], bodyBytes: number): void {
    const [type, id, code] = frame;
    if (type === 'ok' || type === 'error') {
      const resolve = this.#pending.get(id);
      this.#pending.delete(id);
      if (resolve !== undefined) resolve(frame);
      else if (typeof id === 'number' && id >= FIRST_SEND_ID) this.#answered(type, id - FIRST_SEND_ID, code);
      else this.#handler.unexpected(bodyBytes);
    } else if (type === 'message') this.#decodedMessage(frame);
    else if (type === 'live' && !this.#isLive) {
      this.#isLive = true;
      this.#reached(id);
      this.#handler.live();
    } else if (type === 'bye') this.#farewell = `bye ${codeOf(id)}`;
    else this.#handler.unexpected(bodyBytes);
  }

  /** The answer to a `send` in another form than Parley's own server writes. */
  #answered(type: 'ok' | 'error', number: number, result: unknown): void {
    if (type === 'error') this.#handler.refused(number, codeOf(result));
    else this.#handler.acknowledged(number, this.#reached(Array.isArray(result) ? result[0] : 0));
  }

  #decodedMessage([, id, , , , text]: readonly unknown[]): void {
    const bytes = Buffer.from(typeof text === 'string' ? text : '');
    this.#handler.message(bytes, 0, bytes.length, this.#reached(id));
  }

  /** Notes that everything for this user up to this id has arrived. */
  #reached(id: unknown): number {
    const reached = typeof id === 'number' ? id : 0;
    if (reached > this.#lastId) this.#lastId = reached;
    return reached;
  }

  #request(verb: string, ...values: readonly unknown[]): Promise<readonly unknown[] | undefined> {
    if (this.#socket.destroyed) return Promise.resolve(undefined);
    const id = this.#nextId;
    this.#nextId += 1;
    this.#push(verb, id, ...values);
    return new Promise((resolve) => {
      const deadline = setTimeout(() => this.#socket.destroy(new Error(`no answer to ${verb}`)), ANSWER_MS);
      this.#pending.set(id, (answer) => {
        clearTimeout(deadline);
        resolve(answer);
      });
    });
  }
}

/** The names of recipients as bytes. Cached because a run has few recipients. */
const names = new Map<string, Buffer>();

function nameBytes(name: string): Buffer {
  const known = names.get(name);
  if (known !== undefined) return known;
  const bytes = Buffer.from(name);
  names.set(name, bytes);
  return bytes;
}

/** The server under test may send anything instead of a code. */
function codeOf(value: unknown): string {
  return typeof value === 'string' ? value : 'no code';
}

function tokenIn(result: unknown): string | undefined {
  if (typeof result !== 'object' || result === null || !('token' in result)) return undefined;
  return typeof result.token === 'string' ? result.token : undefined;
}
