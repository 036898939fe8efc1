/** A client written from docs/protocol.md alone, with none of Parley's own code: what it cannot do, the page does not say. */

import { EventEmitter, once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** What a body may hold. A map is a Map, so that no key is special. */
export type Value = null | boolean | number | string | Uint8Array | Value[] | Map<string, Value>;
export type Fields = readonly Value[];
/** The connection puts the request id between the verb and the arguments. */
export type Request = readonly [verb: string, ...rest: Value[]];
type Whole = 'integer' | 'float';

const HEADER = 8;
const LARGEST_FROM_SERVER = 65_536;
const DEEPEST = 8;
const DEADLINE_MS = 20_000;

/** `whole`: whether whole numbers go out as integers, or as float 64, which is allowed as well. */
export function encode(value: Value, whole: Whole = 'integer'): Buffer {
  if (value === null) return Buffer.of(0xc0);
  if (typeof value === 'boolean') return Buffer.of(value ? 0xc3 : 0xc2);
  if (typeof value === 'number') {
    if (whole === 'integer' && Number.isInteger(value) && value >= 0 && value < 2 ** 32)
      return value < 128 ? Buffer.of(value) : sized(value, 0xcc);
    const bytes = Buffer.alloc(9, 0xcb);
    bytes.writeDoubleBE(value, 1);
    return bytes;
  }
  if (typeof value === 'string') {
    const text = Buffer.from(value);
    return Buffer.concat([text.length < 32 ? Buffer.of(0xa0 + text.length) : sized(text.length, 0xd9), text]);
  }
  if (value instanceof Uint8Array) return Buffer.concat([sized(value.length, 0xc4), value]);
  const size = Array.isArray(value) ? value.length : value.size;
  const [few, many] = Array.isArray(value) ? [0x90, 0xdc] : [0x80, 0xde];
  const items = Array.isArray(value) ? value : [...value].flat();
  // Arrays and maps have no form with a size of one byte: theirs would be the format before `many`.
  const head = size < 16 ? Buffer.of(few + size) : sized(Math.max(size, 256), many - 1).subarray(0);
  if (size >= 16 && size < 256) head.writeUInt16BE(size, 1);
  return Buffer.concat([head, ...items.map((item) => encode(item, whole))]);
}
