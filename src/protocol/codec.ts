/**
 * Bodies: one MessagePack array each. Encoding writes header and body into one buffer; decoding first makes
 * sure that the body is safe to decode.
 */

import { Packr, RESERVE_START_SPACE, Unpackr } from 'msgpackr';
import { writeSize } from './frame.ts';
import { isSafeArray } from './scan.ts';
import { HEADER_BYTES, type ServerFrame } from './vocabulary.ts';

const packr = new Packr({ useRecords: false, variableMapSize: true, encodeUndefinedAsNil: true });
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true, int64AsType: 'number' });

/** One frame, header and body, ready for the socket. The caller may keep it: it is never written again. */
export function encodeFrame(value: readonly unknown[]): Buffer {
  const frame = packr.pack(value, RESERVE_START_SPACE | HEADER_BYTES);
  writeSize(frame, frame.length - HEADER_BYTES);
  return frame;
}

/** The array in a body, or undefined if the body is not one that this protocol allows. Never throws. */
export function decodeBody(body: Buffer): unknown[] | undefined {
  if (!isSafeArray(body)) return undefined;
  const value: unknown = unpackr.unpack(body);
  return Array.isArray(value) ? value : undefined;
}

/** The frame in a body that this server has encoded: its type is taken on trust. */
export function decodeServerFrame(body: Buffer): ServerFrame {
  return unpackr.unpack(body);
}
