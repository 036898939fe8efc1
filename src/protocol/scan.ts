/**
 * Validates a MessagePack body before it is decoded, so that the decoder only sees what the protocol allows: one
 * value, nested at most 8 deep, with no more elements than there are bytes, strings in valid UTF-8, maps whose keys
 * are strings, numbers from −(2^53 − 1) to 2^53 − 1, and no extension types.
 *
 * Format: https://github.com/msgpack/msgpack/blob/master/spec.md
 *
 * This is the only file in `src/protocol` that imports from Node: `isUtf8` checks long texts without creating a string,
 * and every message takes this path. The folder also uses the global `Buffer`.
 */

import { isUtf8 } from 'node:buffer';

const MAX_DEPTH = 8;

/** For texts of at least this many bytes, a call into native code is faster than a loop. */
const LONG_TEXT = 48;

/** True if `body` is exactly one array that is safe to decode. Never throws; reads each byte at most twice. */
export function isSafeArray(body: Buffer): boolean {
  const first = body[0] ?? 0xc1;
  const isArray = (first & 0xf0) === 0x90 || first === 0xdc || first === 0xdd;
  return isArray && skipValue(body, 0, 1) === body.length;
}

/** The offset after the value at `offset`, or −1 if the protocol does not allow that value. */
function skipValue(body: Buffer, offset: number, depth: number): number {
  if (offset >= body.length || depth > MAX_DEPTH) return -1;
  const type = body[offset] ?? 0xc1;
  const start = offset + 1;
  if (type <= 0x7f || type >= 0xe0) return start;
  if (type <= 0x8f) return skipPairs(body, start, type & 0x0f, depth);
  if (type <= 0x9f) return skipValues(body, start, type & 0x0f, depth);
  if (type <= 0xbf) return skipText(body, start, type & 0x1f);
  switch (type) {
    case 0xc0: // nil
    case 0xc2: // false
    case 0xc3: // true
      return start;
    case 0xc4: // bin
      return skipBytes(body, start + 1, readCount(body, start, 1));
    case 0xc5:
      return skipBytes(body, start + 2, readCount(body, start, 2));
    case 0xc6:
      return skipBytes(body, start + 4, readCount(body, start, 4));
    case 0xca: // floats
    case 0xcb:
    case 0xcf: // 64-bit integers
    case 0xd3:
      return skipWide(body, start, type);
    case 0xcc: // unsigned and signed integers
    case 0xd0:
      return skipBytes(body, start, 1);
    case 0xcd:
    case 0xd1:
      return skipBytes(body, start, 2);
    case 0xce:
    case 0xd2:
      return skipBytes(body, start, 4);
    case 0xd9: // str
      return skipText(body, start + 1, readCount(body, start, 1));
    case 0xda:
      return skipText(body, start + 2, readCount(body, start, 2));
    case 0xdb:
      return skipText(body, start + 4, readCount(body, start, 4));
    case 0xdc: // array
      return skipValues(body, start + 2, readCount(body, start, 2), depth);
    case 0xdd:
      return skipValues(body, start + 4, readCount(body, start, 4), depth);
    case 0xde: // map
      return skipPairs(body, start + 2, readCount(body, start, 2), depth);
    case 0xdf:
      return skipPairs(body, start + 4, readCount(body, start, 4), depth);
    default: // 0xc1, which MessagePack does not use, and extension types
      return -1;
  }
}

function skipValues(body: Buffer, offset: number, count: number, depth: number): number {
  if (count < 0 || count > body.length - offset) return -1;
  let at = offset;
  for (let i = 0; i < count && at >= 0; i += 1) at = skipValue(body, at, depth + 1);
  return at;
}

function skipPairs(body: Buffer, offset: number, count: number, depth: number): number {
  if (count < 0 || count * 2 > body.length - offset) return -1;
  let at = offset;
  for (let i = 0; i < count && at >= 0; i += 1) {
    // The decoder turns a number into a property name, and throws on any other key that is not a string.
    at = isText(body[at] ?? 0xc1) ? skipValue(body, at, depth + 1) : -1;
    if (at >= 0) at = skipValue(body, at, depth + 1);
  }
  return at;
}

function isText(type: number): boolean {
  return (type & 0xe0) === 0xa0 || (type >= 0xd9 && type <= 0xdb);
}

function skipBytes(body: Buffer, offset: number, count: number): number {
  return count < 0 || count > body.length - offset ? -1 : offset + count;
}

function skipText(body: Buffer, offset: number, count: number): number {
  const end = skipBytes(body, offset, count);
  if (end < 0) return -1;
  if (count >= LONG_TEXT) return isUtf8(body.subarray(offset, end)) ? end : -1;
  // Almost all text is ASCII, and for a short text a call into native code costs more than this loop.
  for (let i = offset; i < end; i += 1) {
    if ((body[i] ?? 0) > 0x7f) return isUtf8(body.subarray(i, end)) ? end : -1;
  }
  return end;
}

function skipWide(body: Buffer, offset: number, type: number): number {
  const end = offset + (type === 0xca ? 4 : 8);
  if (end > body.length) return -1;
  return isExact(body, offset, type) ? end : -1;
}

/**
 * True for a float or a 64-bit integer below 2^53 in magnitude. The first 16 bits of a float are enough to decide:
 * without the sign bit they grow with the magnitude, NaN and the infinities come last, and all further bits of 2^53
 * itself are 0.
 */
function isExact(body: Buffer, offset: number, type: number): boolean {
  if (type === 0xca) return (body.readUInt16BE(offset) & 0x7fff) < 0x5a00;
  if (type === 0xcb) return (body.readUInt16BE(offset) & 0x7fff) < 0x4340;
  const high = type === 0xcf ? body.readUInt32BE(offset) : body.readInt32BE(offset);
  // A sum that is too large for a double is rounded, but never to a safe integer.
  return Number.isSafeInteger(high * 2 ** 32 + body.readUInt32BE(offset + 4));
}

function readCount(body: Buffer, offset: number, bytes: 1 | 2 | 4): number {
  return offset + bytes > body.length ? -1 : body.readUIntBE(offset, bytes);
}
