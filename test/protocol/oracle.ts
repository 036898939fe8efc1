/**
 * A second implementation of the rules for bodies, against which the tests check scan and codec. It is slow and plain,
 * written from the MessagePack specification, and shares no code with them.
 */

import { isNativeAccelerationEnabled } from 'msgpackr';

const MAX_DEPTH = 8;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

class Refused extends Error {}

/** The array in a body; undefined if the protocol does not allow the body. */
export function readPlainly(body: Buffer): unknown[] | undefined {
  try {
    const reader = new Reader(body);
    const value = reader.value(1);
    return Array.isArray(value) && reader.at === body.length ? value : undefined;
  } catch (error) {
    if (error instanceof Refused) return undefined;
    throw error;
  }
}

class Reader {
  at = 0;
  readonly #body: Buffer;

  constructor(body: Buffer) {
    this.#body = body;
  }

  value(depth: number): unknown {
    if (depth > MAX_DEPTH) throw new Refused();
    const type = this.#uint(1);
    if (type <= 0x7f) return type;
    if (type <= 0x8f) return this.#map(type - 0x80, depth);
    if (type <= 0x9f) return this.#array(type - 0x90, depth);
    if (type <= 0xbf) return this.#text(type - 0xa0);
    if (type === 0xc0) return null;
    if (type === 0xc2) return false;
    if (type === 0xc3) return true;
    if (type >= 0xc4 && type <= 0xc6) return this.#take(this.#uint(2 ** (type - 0xc4)));
    if (type === 0xca) return number(this.#view(4).getFloat32(0));
    if (type === 0xcb) return number(this.#view(8).getFloat64(0));
    if (type >= 0xcc && type <= 0xcf) return number(Number(BigInt.asUintN(64, this.#integer(type - 0xcc))));
    if (type >= 0xd0 && type <= 0xd3) {
      return number(Number(BigInt.asIntN(8 * 2 ** (type - 0xd0), this.#integer(type - 0xd0))));
    }
    if (type >= 0xd9 && type <= 0xdb) return this.#text(this.#uint(2 ** (type - 0xd9)));
    if (type === 0xdc || type === 0xdd) return this.#array(this.#uint(type === 0xdc ? 2 : 4), depth);
    if (type === 0xde || type === 0xdf) return this.#map(this.#uint(type === 0xde ? 2 : 4), depth);
    if (type >= 0xe0) return type - 0x100;
    throw new Refused();
  }

  #take(count: number): Buffer {
    if (count > this.#body.length - this.at) throw new Refused();
    this.at += count;
    return this.#body.subarray(this.at - count, this.at);
  }

  #view(count: number): DataView {
    const bytes = this.#take(count);
    return new DataView(bytes.buffer, bytes.byteOffset, count);
  }

  #uint(count: number): number {
    return this.#take(count).reduce((sum, byte) => sum * 256 + byte, 0);
  }

  /** `power` from 0 to 3 means 1, 2, 4 or 8 bytes. */
  #integer(power: number): bigint {
    return this.#take(2 ** power).reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
  }

  #text(count: number): string {
    try {
      const text = utf8.decode(this.#take(count));
      // Without its native addon, msgpackr drops a byte order mark before a text of more than 64 bytes.
      const dropsMark = !isNativeAccelerationEnabled && count > 64 && text.startsWith('\ufeff');
      return dropsMark ? text.slice(1) : text;
    } catch (error) {
      if (error instanceof TypeError) throw new Refused();
      throw error;
    }
  }

  #array(count: number, depth: number): unknown[] {
    const values: unknown[] = [];
    for (let i = 0; i < count; i += 1) values.push(this.value(depth + 1));
    return values;
  }

  #map(count: number, depth: number): object {
    const entries: [string, unknown][] = [];
    for (let i = 0; i < count; i += 1) {
      const key = this.value(depth + 1);
      if (typeof key !== 'string') throw new Refused();
      // msgpackr renames this one key, so that it cannot set a prototype.
      entries.push([key === '__proto__' ? '__proto_' : key, this.value(depth + 1)]);
    }
    return Object.fromEntries(entries);
  }
}

function number(value: number): number {
  if (!(Math.abs(value) <= Number.MAX_SAFE_INTEGER)) throw new Refused();
  return value;
}

/** A description of what is wrong with a decoded value; undefined if it is safe to pass to a handler. */
export function findForbidden(value: unknown, depth = 1): string | undefined {
  if (depth > MAX_DEPTH) return `deeper than ${MAX_DEPTH}`;
  if (value === null || typeof value === 'boolean') return undefined;
  if (typeof value === 'string') return value.isWellFormed() ? undefined : 'a lone surrogate';
  if (typeof value === 'number') {
    return Math.abs(value) <= Number.MAX_SAFE_INTEGER ? undefined : `the number ${value}`;
  }
  if (typeof value !== 'object') return `a ${typeof value}`;
  const kind: unknown = Object.getPrototypeOf(value);
  if (kind === Buffer.prototype) return undefined;
  if (kind !== Array.prototype && kind !== Object.prototype)
    return 'an object that is neither plain nor an array';
  if (Array.isArray(value) && Object.keys(value).length !== value.length)
    return 'an array with holes or names';
  for (const key of Reflect.ownKeys(value)) {
    if (typeof key === 'symbol') return 'a symbol as a key';
    if (!key.isWellFormed()) return 'a lone surrogate in a key';
    const member = Object.getOwnPropertyDescriptor(value, key);
    if (member === undefined || !('value' in member)) return `an accessor at ${key}`;
    if (Array.isArray(value) && key === 'length') continue;
    const found = findForbidden(member.value, depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}
