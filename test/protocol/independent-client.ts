/** A client written from docs/protocol.md alone, without any of Parley's code. It shows that the page is sufficient. */

import { EventEmitter, once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** A value in a body. Maps are decoded as `Map`, so that no key is special. */
export type Value = null | boolean | number | string | Uint8Array | Value[] | Map<string, Value>;
export type Fields = readonly Value[];
/** A request without its id, which the connection inserts after the verb. */
export type Request = readonly [verb: string, ...rest: Value[]];
type Whole = 'integer' | 'float';

const HEADER = 8;
const LARGEST_FROM_SERVER = 65_536;
const DEEPEST = 8;
const DEADLINE_MS = 20_000;

/** `whole`: whether to encode whole numbers as integers or as float 64. The protocol allows both. */
export function encode(value: Value, whole: Whole = 'integer'): Buffer {
  if (value === null) return Buffer.of(0xc0);
  if (typeof value === 'boolean') return Buffer.of(value ? 0xc3 : 0xc2);
  if (typeof value === 'number') {
    if (whole === 'integer' && Number.isInteger(value) && value >= 0 && value < 2 ** 32)
      return value < 128 ? Buffer.of(value) : sized(value, 0xcc);
    const float = Buffer.alloc(9, 0xcb);
    float.writeDoubleBE(value, 1);
    return float;
  }
  if (typeof value === 'string') {
    const text = Buffer.from(value);
    return Buffer.concat([text.length < 32 ? Buffer.of(0xa0 + text.length) : sized(text.length, 0xd9), text]);
  }
  if (value instanceof Uint8Array) return Buffer.concat([sized(value.length, 0xc4), value]);
  const list = Array.isArray(value);
  const size = list ? value.length : value.size;
  const head = size < 16 ? Buffer.of((list ? 0x90 : 0x80) + size) : sized(size, list ? 0xdb : 0xdd, 1);
  const items = list ? value : [...value].flat();
  return Buffer.concat([head, ...items.map((item) => encode(item, whole))]);
}

/** A format byte and a size in 1, 2 or 4 bytes. `first` is the format for 1 byte; `step` is 1 if there is no such format. */
function sized(size: number, first: number, step = 0): Buffer {
  const width = size < 2 ** 8 && step === 0 ? 0 : size < 2 ** 16 ? 1 : 2;
  const bytes = Buffer.alloc(1 + 2 ** width, first + width);
  bytes.writeUIntBE(size, 1, 2 ** width);
  return bytes;
}

/** Reads one value, which must be the whole body. Throws if the protocol does not allow it. */
export function decode(bytes: Buffer): Value {
  const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let at = 0;
  const take = (size: number): Buffer => {
    if (size > bytes.length - at) throw new Error('the body ends too early');
    at += size;
    return bytes.subarray(at - size, at);
  };
  const unsigned = (width: number): number => take(width).readUIntBE(0, width);
  const safe = (wide: bigint): number => {
    if (!Number.isSafeInteger(Number(wide))) throw new Error('an integer beyond 2^53 - 1');
    return Number(wide);
  };
  const text = (size: number): string => utf8.decode(take(size));
  const list = (size: number, depth: number): Value[] => {
    if (size > bytes.length - at || depth > DEEPEST) throw new Error('too many elements, or too deep');
    return Array.from({ length: size }, () => read(depth));
  };
  const map = (size: number, depth: number): Map<string, Value> => {
    if (size * 2 > bytes.length - at || depth > DEEPEST) throw new Error('too many keys, or too deep');
    const entry = (): [string, Value] => {
      const key = read(depth);
      if (typeof key !== 'string') throw new Error('a key that is not a string');
      return [key, read(depth)];
    };
    return new Map(Array.from({ length: size }, entry));
  };
  const read = (depth: number): Value => {
    const format = unsigned(1);
    if (format < 0x80) return format;
    if (format < 0x90) return map(format - 0x80, depth + 1);
    if (format < 0xa0) return list(format - 0x90, depth + 1);
    if (format < 0xc0) return text(format - 0xa0);
    if (format >= 0xe0) return format - 0x100;
    if (format === 0xc0) return null;
    if (format === 0xc2 || format === 0xc3) return format === 0xc3;
    if (format >= 0xc4 && format <= 0xc6) return take(unsigned(2 ** (format - 0xc4)));
    if (format === 0xca) return take(4).readFloatBE();
    if (format === 0xcb) return take(8).readDoubleBE();
    if (format >= 0xcc && format <= 0xce) return unsigned(2 ** (format - 0xcc));
    if (format === 0xcf) return safe(take(8).readBigUInt64BE());
    const width = 2 ** (format - 0xd0);
    if (format >= 0xd0 && format <= 0xd2) return take(width).readIntBE(0, width);
    if (format === 0xd3) return safe(take(8).readBigInt64BE());
    if (format >= 0xd9 && format <= 0xdb) return text(unsigned(2 ** (format - 0xd9)));
    if (format === 0xdc || format === 0xdd) return list(unsigned(format === 0xdc ? 2 : 4), depth + 1);
    if (format === 0xde || format === 0xdf) return map(unsigned(format === 0xde ? 2 : 4), depth + 1);
    throw new Error(`format byte ${format.toString(16)}`);
  };
  const value = read(0);
  if (at !== bytes.length) throw new Error('something behind the body');
  return value;
}

export function frame(body: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`${body.length}`.padEnd(HEADER)), body]);
}

/** Splits a stream, received in any pieces, into complete bodies. */
export class FrameReader {
  #waiting = Buffer.alloc(0);

  push(piece: Uint8Array): Buffer[] {
    this.#waiting = Buffer.concat([this.#waiting, piece]);
    const bodies: Buffer[] = [];
    while (this.#waiting.length >= HEADER) {
      const header = this.#waiting.toString('latin1', 0, HEADER);
      const end = HEADER + Number(header);
      if (!/^[1-9][0-9]* +$/.test(header) || end > HEADER + LARGEST_FROM_SERVER)
        throw new Error(`header "${header}"`);
      if (this.#waiting.length < end) break;
      bodies.push(this.#waiting.subarray(HEADER, end));
      this.#waiting = this.#waiting.subarray(end);
    }
    return bodies;
  }
}

/** The server answered with an error. */
export class Refused extends Error {
  readonly code: Value;

  constructor(code: Value, text: Value) {
    super(`${code}: ${text}`);
    this.code = code;
  }
}

export class Connection {
  /** Every frame received, in order. */
  readonly frames: { readonly body: Buffer; readonly value: Value[] }[] = [];
  /** The events that no test has taken yet, and answers that belong to no request. */
  readonly events: { readonly name: string; readonly fields: Fields }[] = [];
  /** The verbs sent. */
  readonly verbs = new Set<string>();
  /** Settles at the end of the connection; rejects if the server broke the protocol. */
  readonly ended: Promise<void>;
  readonly socket: Socket;
  readonly #asked = new Map<number, PromiseWithResolvers<Value>>();
  readonly #news = new EventEmitter().setMaxListeners(0);
  #lastId = 0;

  static async open(port: number): Promise<Connection> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const connection = new Connection(socket);
    await once(socket, 'connect');
    return connection;
  }

  constructor(socket: Socket) {
    this.socket = socket;
    const reader = new FrameReader();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.ended = promise;
    promise.catch(() => {});
    socket.on('error', () => {});
    socket.on('data', (piece) => {
      try {
        for (const body of reader.push(Buffer.from(piece))) this.#receive(body);
      } catch (error) {
        reject(error);
        socket.destroy();
      }
    });
    socket.on('close', () => {
      for (const { reject } of this.#asked.values()) reject(new Error('the connection has ended'));
      resolve();
      this.#news.emit('news');
    });
  }

  /** Sends one request. Returns its result, or null if the answer has none. */
  async ask(...request: Request): Promise<Value> {
    const [result = null] = await Promise.all(this.pipeline([request]));
    return result;
  }

  /** Sends several requests in one write. */
  pipeline(requests: readonly Request[], whole: Whole = 'integer'): Promise<Value>[] {
    const asked = requests.map(([verb, ...rest]) => {
      this.verbs.add(verb);
      this.#lastId += 1;
      const answer = Promise.withResolvers<Value>();
      answer.promise.catch(() => {});
      if (this.socket.destroyed) answer.reject(new Error('the connection has ended'));
      else this.#asked.set(this.#lastId, answer);
      return { bytes: frame(encode([verb, this.#lastId, ...rest], whole)), result: answer.promise };
    });
    this.socket.write(Buffer.concat(asked.map(({ bytes }) => bytes)));
    return asked.map(({ result }) => result);
  }

  /** Waits for a matching event of that name, and removes it from `events`. */
  async event(name: string, fits: (...fields: Fields) => boolean = () => true): Promise<Fields> {
    const signal = AbortSignal.timeout(DEADLINE_MS);
    for (;;) {
      const at = this.events.findIndex((event) => event.name === name && fits(...event.fields));
      const [found] = at < 0 ? [] : this.events.splice(at, 1);
      if (found) return found.fields;
      if (this.socket.closed) throw new Error(`the connection ended before the event ${name}`);
      await once(this.#news, 'news', { signal }).catch((cause: unknown) => {
        throw new Error(`waited ${DEADLINE_MS} ms for the event ${name}`, { cause });
      });
    }
  }

  #receive(body: Buffer): void {
    const value = decode(body);
    const [name, id, ...rest] = Array.isArray(value) ? value : [];
    if (!Array.isArray(value) || typeof name !== 'string') throw new Error('a body without a name');
    this.frames.push({ body, value });
    const asked = typeof id === 'number' ? this.#asked.get(id) : undefined;
    if (typeof id === 'number' && asked && (name === 'ok' || name === 'error')) {
      this.#asked.delete(id);
      const [first = null, second = null] = rest;
      if (name === 'ok') asked.resolve(first);
      else asked.reject(new Refused(first, second));
    } else {
      this.events.push({ name, fields: value.slice(1) });
    }
    this.#news.emit('news');
  }
}
