/**
 * Encodes and decodes bodies: a body is one MessagePack array. Encoding writes header and body into one buffer.
 * Decoding first checks that the body is safe to decode.
 */

import { Packr, RESERVE_START_SPACE, Unpackr } from 'msgpackr';
import { writeSize } from './frame.ts';
import { isSafeArray } from './scan.ts';
import { HEADER_BYTES, type ServerFrame } from './vocabulary.ts';

const packr = new Packr({ useRecords: false, variableMapSize: true, encodeUndefinedAsNil: true });
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true, int64AsType: 'number' });

/** A frame, header and body. The caller may keep it, because the buffer is not reused. */
export function encodeFrame(value: readonly unknown[]): Buffer {
  const frame = packr.pack(value, RESERVE_START_SPACE | HEADER_BYTES);
  writeSize(frame, frame.length - HEADER_BYTES);
  return frame;
}

/** The array in a body; undefined if the protocol does not allow this body. Never throws. */
export function decodeBody(body: Buffer): unknown[] | undefined {
  if (!isSafeArray(body)) return undefined;
  const value: unknown = unpackr.unpack(body);
  return Array.isArray(value) ? value : undefined;
}

/** The frame in a body that this server encoded. It is not checked. */
export function decodeServerFrame(body: Buffer): ServerFrame {
  return unpackr.unpack(body);
}
