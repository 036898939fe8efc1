/** The one request that goes out by the hundred thousand: `["send", id, to, text, key?]`, as a frame, written where it is to lie. */

import { writeSize } from '../../protocol/frame.ts';
import { HEADER_BYTES } from '../../protocol/vocabulary.ts';

const ARRAY = 0x90;
const STRING = 0xa0;
const STRING_8 = 0xd9;
const STRING_16 = 0xda;
const UINT_32 = 0xce;
/** "send", as a string with its length before it. */
const SEND = Buffer.from('\xa4send', 'latin1');
const ID_BYTES = 5;
/** Of the longest string: one byte for its type, two for its length. */
const STRING_HEAD = 3;

/** Bytes that a frame takes at most. */
export function sendBytes(to: Buffer, text: Buffer, key: string | undefined): number {
  const strings = to.length + text.length + (key?.length ?? 0);
  return HEADER_BYTES + 1 + SEND.length + ID_BYTES + 3 * STRING_HEAD + strings;
}

/** Writes it to `target` from `start` on, and returns where it ends. `id` has 32 bits, and `key` is ASCII. */
export function writeSend(
  target: Buffer,
  start: number,
  id: number,
  to: Buffer,
  text: Buffer,
  key: string | undefined,
): number {
  const body = start + HEADER_BYTES;
  target[body] = ARRAY + (key === undefined ? 4 : 5);
  SEND.copy(target, body + 1);
  let at = body + 1 + SEND.length;
  target[at] = UINT_32;
  target[at + 1] = id >>> 24;
  target[at + 2] = id >>> 16;
  target[at + 3] = id >>> 8;
  target[at + 4] = id;
  at = writeHead(target, at + ID_BYTES, to.length);
  at += to.copy(target, at);
  at = writeHead(target, at, text.length);
  at += text.copy(target, at);
  if (key !== undefined) {
    at = writeHead(target, at, key.length);
    at += target.write(key, at, 'latin1');
  }
  writeSize(target, at - body, start);
  return at;
}

/** What stands before a string of so many bytes. */
function writeHead(target: Buffer, at: number, bytes: number): number {
  if (bytes < 32) {
    target[at] = STRING + bytes;
    return at + 1;
  }
  if (bytes < 256) {
    target[at] = STRING_8;
    target[at + 1] = bytes;
    return at + 2;
  }
  target[at] = STRING_16;
  target[at + 1] = bytes >>> 8;
  target[at + 2] = bytes;
  return at + 3;
}
