/**
 * Reads the two most frequent bodies in place: a message, and the answer to a send. It reads only the exact form that the server
 * writes, and leaves everything else to the codec.
 *
 * MessagePack: https://github.com/msgpack/msgpack/blob/master/spec.md
 */

const ARRAY = 0x90;
const STRING = 0xa0;
const STRING_8 = 0xd9;
const STRING_16 = 0xda;
const FLOAT_64 = 0xcb;
const UINT_32 = 0xce;

/** The encoded strings "message", also as two numbers, and "ok". */
const MESSAGE = Buffer.from('\xa7message', 'latin1');
const [MESSAGE_BEGIN, MESSAGE_END] = [MESSAGE.readUInt32BE(0), MESSAGE.readUInt32BE(4)];
const OK = Buffer.from('\xa2ok', 'latin1');

const IGNORED = ['\xa6joined', '\xa4left', '\xa6online', '\xa7offline', '\xa9delivered'].map((name) =>
  Buffer.from(name, 'latin1'),
);

export interface FoundMessage {
  id: number;
  /** The text is the bytes from `start` up to `end`. */
  start: number;
  end: number;
}

/** Shared results: the caller must use them before the next call. */
const found: FoundMessage = { id: 0, start: 0, end: 0 };
const acknowledgement = { request: 0, id: 0 };

/**
 * Reads `["message", id, at, from, to, text, key?]`, without checking that its strings are UTF-8. Returns undefined for any other
 * body. `view` covers the same bytes; it reads a number in one instruction, a Buffer byte by byte.
 */
export function readMessage(
  bytes: Buffer,
  view: DataView,
  start: number,
  end: number,
): FoundMessage | undefined {
  const array = bytes[start] ?? 0;
  const id = start + 1 + MESSAGE.length;
  const at = id + 9;
  if ((array !== ARRAY + 6 && array !== ARRAY + 7) || at + 9 > end) return undefined;
  if (view.getUint32(start + 1) !== MESSAGE_BEGIN || view.getUint32(start + 5) !== MESSAGE_END)
    return undefined;
  if (bytes[id] !== FLOAT_64 || bytes[at] !== FLOAT_64) return undefined;
  const from = at + 9;
  const to = skipString(bytes, from);
  const text = skipString(bytes, to);
  const textEnd = skipString(bytes, text);
  const last = array === ARRAY + 6 ? textEnd : skipString(bytes, textEnd);
  if (textEnd < 0 || textEnd > end || last !== end) return undefined;
  found.id = view.getFloat64(id + 1);
  if (!Number.isSafeInteger(found.id) || !isBelowLimit(bytes, at + 1)) return undefined;
  found.start = text + headerBytes(bytes[text] ?? 0);
  found.end = textEnd;
  return found;
}

/** Reads `["ok", request, [id, at]]` with a request id of 32 bits. Returns undefined for any other body. */
export function readAcknowledgement(
  bytes: Buffer,
  view: DataView,
  start: number,
  end: number,
): { readonly request: number; readonly id: number } | undefined {
  const request = start + 1 + OK.length;
  const result = request + 5;
  const id = result + 1;
  const at = id + 9;
  if (at + 9 !== end || bytes[start] !== ARRAY + 3 || !isAt(bytes, start + 1, OK)) return undefined;
  if (bytes[request] !== UINT_32 || bytes[result] !== ARRAY + 2) return undefined;
  if (bytes[id] !== FLOAT_64 || bytes[at] !== FLOAT_64) return undefined;
  acknowledgement.request = view.getUint32(request + 1);
  acknowledgement.id = view.getFloat64(id + 1);
  const isValid = Number.isSafeInteger(acknowledgement.id) && isBelowLimit(bytes, at + 1);
  return isValid ? acknowledgement : undefined;
}

/** True for events that the load test does not use: `joined`, `left`, `online`, `offline`, `delivered`. */
export function isIgnored(bytes: Buffer, start: number): boolean {
  return IGNORED.some((name) => isAt(bytes, start + 1, name));
}

/** Whether the magnitude of a 64-bit float is below 2^53, which its first 16 bits show. */
function isBelowLimit(bytes: Buffer, offset: number): boolean {
  return ((((bytes[offset] ?? 0xff) & 0x7f) << 8) | (bytes[offset + 1] ?? 0xff)) < 0x4340;
}

function isAt(bytes: Buffer, offset: number, wanted: Buffer): boolean {
  for (let i = 0; i < wanted.length; i += 1) if (bytes[offset + i] !== wanted[i]) return false;
  return true;
}

/** The end of the string at `offset`; −1 if there is no string. */
function skipString(bytes: Buffer, offset: number): number {
  if (offset < 0) return -1;
  const type = bytes[offset] ?? 0;
  if (type >= STRING && type <= STRING + 31) return offset + 1 + (type - STRING);
  if (type === STRING_8) return offset + 2 + (bytes[offset + 1] ?? 0);
  if (type === STRING_16) return offset + 3 + (bytes[offset + 1] ?? 0) * 256 + (bytes[offset + 2] ?? 0);
  return -1;
}

/** The length of a string's header. */
function headerBytes(type: number): number {
  return type === STRING_8 ? 2 : type === STRING_16 ? 3 : 1;
}
