/** A client written from docs/protocol.md alone, with nothing of Parley's own code: what it cannot do, the page does not say. */

import { connect, type Socket } from 'node:net';

/** What a body may hold. A map is a Map, so that no key is special. */
export type Value = null | boolean | number | string | Uint8Array | Value[] | Map<string, Value>;
export type Fields = readonly Value[];
/** A verb and its arguments; the connection puts the request id between them. */
export type Request = readonly [verb: string, ...rest: Value[]];

const HEADER = 8;
const LARGEST_FROM_SERVER = 65_536;
const DEEPEST = 8;
const DEADLINE_MS = 20_000;

/** `whole`: whether whole numbers go out as integers, or as float 64, which the protocol allows as well. */
export function encode(value: Value, whole: 'integer' | 'float' = 'integer'): Buffer {
  if (value === null) return Buffer.of(0xc0);
  if (typeof value === 'boolean') return Buffer.of(value ? 0xc3 : 0xc2);
  if (typeof value === 'number') return encodeNumber(value, whole);
  if (typeof value === 'string') {
    const text = Buffer.from(value);
    const head = text.length < 32 ? Buffer.of(0xa0 | text.length) : sized(text.length, 0xd9, 0xda, 0xdb);
    return Buffer.concat([head, text]);
  }
  if (value instanceof Uint8Array) return Buffer.concat([sized(value.length, 0xc4, 0xc5, 0xc6), value]);
  if (Array.isArray(value)) {
    const head = value.length < 16 ? Buffer.of(0x90 | value.length) : sized(value.length, -1, 0xdc, 0xdd);
    return Buffer.concat([head, ...value.map((each) => encode(each, whole))]);
  }
  const head = value.size < 16 ? Buffer.of(0x80 | value.size) : sized(value.size, -1, 0xde, 0xdf);
  return Buffer.concat([head, ...[...value].flat().map((each) => encode(each, whole))]);
}

function encodeNumber(value: number, whole: 'integer' | 'float'): Buffer {
  const integer = Number.isInteger(value) && whole === 'integer';
  if (integer && value >= 0 && value < 128) return Buffer.of(value);
  if (integer && value >= -32 && value < 0) return Buffer.of(value + 256);
  if (integer && value >= 0 && value < 2 ** 32) return sized(value, 0xcc, 0xcd, 0xce);
  const bytes = Buffer.alloc(9, 0xcb);
  bytes.writeDoubleBE(value, 1);
  return bytes;
}

/** A format byte and the smallest big-endian number that holds `size`; -1 where a format has no form of one byte. */
function sized(size: number, one: number, two: number, four: number): Buffer {
  if (one >= 0 && size < 256) return Buffer.of(one, size);
  if (size < 65_536) return Buffer.of(two, size >> 8, size & 255);
  const bytes = Buffer.alloc(5, four);
  bytes.writeUInt32BE(size, 1);
  return bytes;
}

/** Reads one value and expects the end behind it. Throws at what the protocol does not allow. */
export function decode(bytes: Buffer): Value {
  const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let at = 0;
  const take = (size: number): Buffer => {
    if (size > bytes.length - at) throw new Error('the body ends too early');
    at += size;
    return bytes.subarray(at - size, at);
  };
  const unsigned = (size: number): number => take(size).readUIntBE(0, size);
  const safe = (wide: bigint): number => {
    const number = Number(wide);
    if (!Number.isSafeInteger(number)) throw new Error('an integer beyond 2^53');
    return number;
  };
  const string = (size: number): string => text.decode(take(size));
  const array = (size: number, depth: number): Value[] => {
    if (size > bytes.length - at || depth > DEEPEST) throw new Error('too many elements, or too deep');
    return Array.from({ length: size }, () => read(depth));
  };
  const map = (size: number, depth: number): Map<string, Value> => {
    if (size * 2 > bytes.length - at || depth > DEEPEST) throw new Error('too many keys, or too deep');
    const entries = new Map<string, Value>();
    for (let left = size; left > 0; left -= 1) {
      const key = read(depth);
      if (typeof key !== 'string') throw new Error('a key that is not a string');
      entries.set(key, read(depth));
    }
    return entries;
  };
  const read = (depth: number): Value => {
    const format = unsigned(1);
    if (format < 0x80) return format;
    if (format < 0x90) return map(format & 15, depth + 1);
    if (format < 0xa0) return array(format & 15, depth + 1);
    if (format < 0xc0) return string(format & 31);
    if (format >= 0xe0) return format - 256;
    if (format === 0xc0) return null;
    if (format === 0xc2 || format === 0xc3) return format === 0xc3;
    if (format >= 0xc4 && format <= 0xc6) return take(unsigned(2 ** (format - 0xc4)));
    if (format === 0xca) return take(4).readFloatBE();
    if (format === 0xcb) return take(8).readDoubleBE();
    if (format >= 0xcc && format <= 0xce) return unsigned(2 ** (format - 0xcc));
    if (format === 0xcf) return safe(take(8).readBigUInt64BE());
    if (format >= 0xd0 && format <= 0xd2) return take(2 ** (format - 0xd0)).readIntBE(0, 2 ** (format - 0xd0));
    if (format === 0xd3) return safe(take(8).readBigInt64BE());
    if (format >= 0xd9 && format <= 0xdb) return string(unsigned(2 ** (format - 0xd9)));
    if (format === 0xdc || format === 0xdd) return array(unsigned(format === 0xdc ? 2 : 4), depth + 1);
    if (format === 0xde || format === 0xdf) return map(unsigned(format === 0xde ? 2 : 4), depth + 1);
    throw new Error(`format byte ${format.toString(16)}`);
  };
  const value = read(0);
  if (at !== bytes.length) throw new Error('something behind the body');
  return value;
}

export function frame(body: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(String(body.length).padEnd(HEADER)), body]);
}

/** Takes a stream in any pieces and gives the bodies that are complete. */
export class FrameReader {
  #waiting = Buffer.alloc(0);

  push(piece: Uint8Array): Buffer[] {
    this.#waiting = Buffer.concat([this.#waiting, piece]);
    const bodies: Buffer[] = [];
    while (this.#waiting.length >= HEADER) {
      const header = this.#waiting.toString('latin1', 0, HEADER);
      const size = Number(header);
      if (!/^[1-9][0-9]* +$/.test(header) || size > LARGEST_FROM_SERVER) throw new Error(`header "${header}"`);
      if (this.#waiting.length < HEADER + size) break;
      bodies.push(this.#waiting.subarray(HEADER, HEADER + size));
      this.#waiting = this.#waiting.subarray(HEADER + size);
    }
    return bodies;
  }
}

/** The server said no. */
export class Refused extends Error {
  readonly code: Value;

  constructor(code: Value, text: Value) {
    super(`${code}: ${text}`);
    this.code = code;
  }
}

interface Waiter {
  readonly take: (name: string, fields: Fields) => boolean;
  readonly fail: (error: Error) => void;
}

export class Connection {
  /** All frames that came, as bytes and as values, in their order. */
  readonly frames: { readonly body: Buffer; readonly value: Value[] }[] = [];
  /** Events that nobody has waited for yet. An error that answers no request is kept as an event `error`. */
  readonly events: { readonly name: string; readonly fields: Fields }[] = [];
  /** Settles at the end of the connection, with what was wrong if the server broke the protocol. */
  readonly ended: Promise<void>;
  readonly #socket: Socket;
  readonly #reader = new FrameReader();
  readonly #asked = new Map<number, { resolve: (result: Value) => void; reject: (error: Error) => void }>();
  readonly #waiters = new Set<Waiter>();
  #lastId = 0;

  static open(port: number): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true });
      socket.once('error', reject).once('connect', () => resolve(new Connection(socket)));
    });
  }

  constructor(socket: Socket) {
    this.#socket = socket;
    this.ended = new Promise((resolve, reject) => {
      socket.once('close', () => {
        const over = new Error('the connection has ended');
        for (const { reject } of this.#asked.values()) reject(over);
        for (const { fail } of this.#waiters) fail(over);
        resolve();
      });
      socket.on('error', () => {});
      socket.on('data', (piece) => {
        try {
          for (const body of this.#reader.push(Buffer.from(piece))) this.#receive(body);
        } catch (error) {
          reject(error);
          socket.destroy();
        }
      });
    });
    this.ended.catch(() => {});
  }

  /** Sends one request, and gives its result: null where the answer has none. */
  ask(...request: Request): Promise<Value> {
    const [answer] = this.pipeline([request]);
    return answer ?? Promise.reject(new Error('nothing was asked'));
  }

  /** Sends several requests in one write. */
  pipeline(requests: readonly Request[], whole: 'integer' | 'float' = 'integer'): Promise<Value>[] {
    const numbered = requests.map(([verb, ...rest]) => {
      this.#lastId += 1;
      return { id: this.#lastId, bytes: frame(encode([verb, this.#lastId, ...rest], whole)) };
    });
    this.write(Buffer.concat(numbered.map(({ bytes }) => bytes)));
    return numbered.map(
      ({ id }) => new Promise((resolve, reject) => this.#asked.set(id, { resolve, reject })),
    );
  }

  write(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** The next event of that name that fits, and takes it out of `events`. */
  event(name: string, fits: (fields: Fields) => boolean = () => true): Promise<Fields> {
    const found = this.events.findIndex((event) => event.name === name && fits(event.fields));
    if (found >= 0) return Promise.resolve(this.events.splice(found, 1).flatMap(({ fields }) => fields));
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => waiter.fail(new Error(`no event ${name} in time`)), DEADLINE_MS);
      const waiter: Waiter = {
        take: (came, fields) => {
          if (came !== name || !fits(fields)) return false;
          clearTimeout(late);
          this.#waiters.delete(waiter);
          resolve(fields);
          return true;
        },
        fail: (error) => {
          clearTimeout(late);
          this.#waiters.delete(waiter);
          reject(error);
        },
      };
      this.#waiters.add(waiter);
    });
  }

  /** Ends the connection from this side. */
  close(): Promise<void> {
    this.#socket.end();
    return this.ended;
  }

  #receive(body: Buffer): void {
    const value = decode(body);
    if (!Array.isArray(value)) throw new Error('a body that is not an array');
    this.frames.push({ body, value });
    const [name, id, first = null, second = null] = value;
    if (typeof name !== 'string') throw new Error('a body without a name');
    if (name === 'ok' || (name === 'error' && id !== null)) {
      const asked = typeof id === 'number' ? this.#asked.get(id) : undefined;
      if (typeof id !== 'number' || asked === undefined) throw new Error(`an answer to nothing: ${id}`);
      this.#asked.delete(id);
      if (name === 'ok') asked.resolve(first);
      else asked.reject(new Refused(first, second));
      return;
    }
    const fields = value.slice(1);
    for (const waiter of this.#waiters) if (waiter.take(name, fields)) return;
    this.events.push({ name, fields });
  }
}
