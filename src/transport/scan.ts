/**
 * A look over a MessagePack body before it is decoded, so that the decoder only ever meets what this protocol
 * uses: one value, no deeper than 8, with no more elements than there are bytes, strings in valid UTF-8,
 * integers that a JavaScript number holds exactly, and no extension types.
 *
 * Format: https://github.com/msgpack/msgpack/blob/master/spec.md
 */

import { isUtf8 } from 'node:buffer';

const MAX_DEPTH = 8;

/** True if `body` is exactly one array that is safe to decode. Never throws, reads each byte at most twice. */
export function isSafeArray(body: Buffer): boolean {
  const first = body[0] ?? 0xc1;
  const isArray = (first & 0xf0) === 0x90 || first === 0xdc || first === 0xdd;
  return isArray && skipValue(body, 0, 1) === body.length;
}

/** The offset behind the value at `offset`, or −1 if that value is not one we take. */
function skipValue(body: Buffer, offset: number, depth: number): number {
  if (offset >= body.length || depth > MAX_DEPTH) return -1;
  const type = body[offset] ?? 0xc1;
  const start = offset + 1;
  if (type <= 0x7f || type >= 0xe0) return start;
  if (type <= 0x8f) return skipValues(body, start, (type & 0x0f) * 2, depth);
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
    case 0xca: // float 32
      return skipBytes(body, start, 4);
    case 0xcb: // float 64
      return skipBytes(body, start, 8);
    case 0xcc: // unsigned and signed integers
    case 0xd0:
      return skipBytes(body, start, 1);
    case 0xcd:
    case 0xd1:
      return skipBytes(body, start, 2);
    case 0xce:
    case 0xd2:
      return skipBytes(body, start, 4);
    case 0xcf:
      return isSafe(body, start, false) ? start + 8 : -1;
    case 0xd3:
      return isSafe(body, start, true) ? start + 8 : -1;
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
      return skipValues(body, start + 2, readCount(body, start, 2) * 2, depth);
    case 0xdf:
      return skipValues(body, start + 4, readCount(body, start, 4) * 2, depth);
    default: // never used (0xc1), and extension types
      return -1;
  }
}

function skipValues(body: Buffer, offset: number, count: number, depth: number): number {
  if (count < 0 || count > body.length - offset) return -1;
  let at = offset;
  for (let i = 0; i < count && at >= 0; i += 1) at = skipValue(body, at, depth + 1);
  return at;
}

function skipBytes(body: Buffer, offset: number, count: number): number {
  return count < 0 || count > body.length - offset ? -1 : offset + count;
}

function skipText(body: Buffer, offset: number, count: number): number {
  const end = skipBytes(body, offset, count);
  if (end < 0) return -1;
  // Almost all text is ASCII, and a call into native code costs more than looking at a short string here.
  for (let i = offset; i < end; i += 1) {
    if ((body[i] ?? 0) > 0x7f) return isUtf8(body.subarray(i, end)) ? end : -1;
  }
  return end;
}

function readCount(body: Buffer, offset: number, bytes: 1 | 2 | 4): number {
  return offset + bytes > body.length ? -1 : body.readUIntBE(offset, bytes);
}

function isSafe(body: Buffer, offset: number, signed: boolean): boolean {
  if (offset + 8 > body.length) return false;
  const value = signed ? body.readBigInt64BE(offset) : body.readBigUInt64BE(offset);
  return Number.isSafeInteger(Number(value));
}
