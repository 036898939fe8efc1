/** Writes the most frequent request, `["send", id, to, text, key?]`, as a frame into a given buffer. */

import { writeSize } from '../../protocol/frame.ts';
import { HEADER_BYTES } from '../../protocol/vocabulary.ts';

const ARRAY = 0x90;
const STRING = 0xa0;
const STRING_8 = 0xd9;
const STRING_16 = 0xda;
const UINT_32 = 0xce;
/** The encoded string "send". */
const SEND = Buffer.from('\xa4send', 'latin1');
const ID_BYTES = 5;
/** The header of the longest string: one byte for its type, two for its length. */
const STRING_HEADER_BYTES = 3;

/** An upper bound for the size of the frame, in bytes. */
export function sendBytes(to: Buffer, text: Buffer, key: string | undefined): number {
  const strings = to.length + text.length + (key?.length ?? 0);
  return HEADER_BYTES + 1 + SEND.length + ID_BYTES + 3 * STRING_HEADER_BYTES + strings;
}

/** Writes the frame into `target` at `start`, and returns its end. `id` has 32 bits, and `key` is ASCII. */
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
  at = writeStringHeader(target, at + ID_BYTES, to.length);
  at += to.copy(target, at);
  at = writeStringHeader(target, at, text.length);
  at += text.copy(target, at);
  if (key !== undefined) {
    at = writeStringHeader(target, at, key.length);
    at += target.write(key, at, 'latin1');
  }
  writeSize(target, at - body, start);
  return at;
}

/** Writes the header of a string of this many bytes. */
function writeStringHeader(target: Buffer, at: number, bytes: number): number {
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
