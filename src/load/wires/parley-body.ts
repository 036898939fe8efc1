/**
 * The two bodies that come by the hundred thousand, read where they lie: a message, and the answer to a send. Anything that does not look
 * exactly as the server writes them is left to the codec.
 *
 * MessagePack: https://github.com/msgpack/msgpack/blob/master/spec.md
 */

const ARRAY = 0x90;
const STRING = 0xa0;
const STRING_8 = 0xd9;
const STRING_16 = 0xda;
const FLOAT_64 = 0xcb;
const UINT_32 = 0xce;

/** "message" with its length before it, as two numbers; and "ok". */
const MESSAGE = Buffer.from('\xa7message', 'latin1');
const [MESSAGE_BEGIN, MESSAGE_END] = [MESSAGE.readUInt32BE(0), MESSAGE.readUInt32BE(4)];
const OK = Buffer.from('\xa2ok', 'latin1');

const PASSED_OVER = ['\xa6joined', '\xa4left', '\xa6online', '\xa7offline', '\xa9delivered'].map((name) =>
  Buffer.from(name, 'latin1'),
);

export interface FoundMessage {
  id: number;
  /** The text, from `start` to `end`. */
  start: number;
  end: number;
}

/** One object for all: it is read before the next call. */
const found: FoundMessage = { id: 0, start: 0, end: 0 };
const acknowledgement = { request: 0, id: 0 };

/**
 * `["message", id, at, from, to, text, key?]`. Undefined for any other body. Whether its strings are UTF-8 is not looked at. `view` is over the
 * same bytes: it reads numbers in one instruction, where a Buffer puts them together from bytes.
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
  found.start = text + headOf(bytes[text] ?? 0);
  found.end = textEnd;
  return found;
}

/** `["ok", request, [id, at]]`, where the request id is a number of 32 bits. Undefined for any other body. */
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

/** Events that a load test does nothing with: `joined`, `left`, `online`, `offline`, `delivered`. */
export function isPassedOver(bytes: Buffer, start: number): boolean {
  return PASSED_OVER.some((name) => isAt(bytes, start + 1, name));
}

/** Whether a float 64 is below 2^53 in magnitude: its first 16 bits tell, as in `transport/scan.ts`. */
function isBelowLimit(bytes: Buffer, offset: number): boolean {
  return ((((bytes[offset] ?? 0xff) & 0x7f) << 8) | (bytes[offset + 1] ?? 0xff)) < 0x4340;
}

function isAt(bytes: Buffer, offset: number, wanted: Buffer): boolean {
  for (let i = 0; i < wanted.length; i += 1) if (bytes[offset + i] !== wanted[i]) return false;
  return true;
}

/** Where the string at `offset` ends; −1 if there is none. */
function skipString(bytes: Buffer, offset: number): number {
  if (offset < 0) return -1;
  const type = bytes[offset] ?? 0;
  if (type >= STRING && type <= STRING + 31) return offset + 1 + (type - STRING);
  if (type === STRING_8) return offset + 2 + (bytes[offset + 1] ?? 0);
  if (type === STRING_16) return offset + 3 + (bytes[offset + 1] ?? 0) * 256 + (bytes[offset + 2] ?? 0);
  return -1;
}

/** Bytes before the text itself. */
function headOf(type: number): number {
  return type === STRING_8 ? 2 : type === STRING_16 ? 3 : 1;
}
