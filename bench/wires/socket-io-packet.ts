/**
 * Reads packets of Socket.IO (protocol 5, in messages of Engine.IO 4) from a WebSocket: `42["message","ann","#tea","hi"]`. The
 * text of a message is located in place; it is decoded only if it contains escapes.
 */

export type Packet =
  /** A message; its text is in `bytes` from `start` up to but not including `end`. */
  | { readonly type: 'message'; readonly bytes: Buffer; readonly start: number; readonly end: number }
  /** The answer to the event with this id. `refusal`: its first argument if that is a string. */
  | { readonly type: 'answer'; readonly id: number; readonly refusal: string | undefined }
  /** A ping of Engine.IO. */
  | { readonly type: 'ping' }
  | { readonly type: 'connected' }
  | { readonly type: 'disconnected' }
  | { readonly type: 'refused'; readonly reason: string }
  | { readonly type: 'other' };

const PING: Packet = { type: 'ping' };
const CONNECTED: Packet = { type: 'connected' };
const DISCONNECTED: Packet = { type: 'disconnected' };
const OTHER: Packet = { type: 'other' };

const QUOTE = 0x22;
const COMMA = 0x2c;
const ZERO = 0x30;
const BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSING = 0x5d;

/** Packet types of Engine.IO. */
const IS_PING = ZERO + 2;
const IS_MESSAGE = ZERO + 4;
/** Packet types of Socket.IO, which follow the type `message` of Engine.IO. */
const IS_CONNECT = ZERO;
const IS_DISCONNECT = ZERO + 1;
const IS_EVENT = ZERO + 2;
const IS_ACK = ZERO + 3;
const IS_CONNECT_ERROR = ZERO + 4;

const SAID = Buffer.from('42["message","');

/** Reused for every message, so it is valid until the next call. */
const said: { type: 'message'; bytes: Buffer; start: number; end: number } = {
  type: 'message',
  bytes: SAID,
  start: 0,
  end: 0,
};

export function readPacket(bytes: Buffer): Packet {
  if (bytes[0] === IS_PING) return PING;
  if (bytes[0] !== IS_MESSAGE) return OTHER;
  switch (bytes[1]) {
    case IS_EVENT:
      return readMessage(bytes) ? said : OTHER;
    case IS_ACK:
      return readAnswer(bytes);
    case IS_CONNECT:
      return CONNECTED;
    case IS_DISCONNECT:
      return DISCONNECTED;
    case IS_CONNECT_ERROR:
      return { type: 'refused', reason: messageOf(parse(bytes, 2)) };
    default:
      return OTHER;
  }
}

/** True if the packet is a message; `said` then says where its text is. */
function readMessage(bytes: Buffer): boolean {
  for (let i = 0; i < SAID.length; i += 1) if (bytes[i] !== SAID[i]) return false;
  // If there is no backslash, every quotation mark begins or ends a string.
  if (bytes.indexOf(BACKSLASH, SAID.length) >= 0) return decodeMessage(bytes);
  const to = skipString(bytes, SAID.length);
  const start = to < 0 ? -1 : skipString(bytes, to);
  if (start < 0) return false;
  const end = bytes.indexOf(QUOTE, start);
  if (end !== bytes.length - 2 || bytes[end + 1] !== CLOSING) return false;
  said.bytes = bytes;
  said.start = start;
  said.end = end;
  return true;
}

/** The offset after the quotation mark that begins the next string, or −1. `at` is within a string. */
function skipString(bytes: Buffer, at: number): number {
  let end = at;
  while (end < bytes.length && bytes[end] !== QUOTE) end += 1;
  return bytes[end + 1] === COMMA && bytes[end + 2] === QUOTE ? end + 3 : -1;
}

function decodeMessage(bytes: Buffer): boolean {
  const event = parse(bytes, 2);
  const text: unknown = Array.isArray(event) && event.length === 4 ? event[3] : undefined;
  if (typeof text !== 'string') return false;
  said.bytes = Buffer.from(text);
  said.start = 0;
  said.end = said.bytes.length;
  return true;
}

function readAnswer(bytes: Buffer): Packet {
  let id = 0;
  let at = 2;
  for (; at < bytes.length && bytes[at] !== BRACKET; at += 1) {
    const digit = (bytes[at] ?? 0) - ZERO;
    if (digit < 0 || digit > 9) return OTHER;
    id = id * 10 + digit;
  }
  if (at === 2) return OTHER;
  if (bytes[at + 1] === CLOSING) return { type: 'answer', id, refusal: undefined };
  const values = parse(bytes, at);
  if (!Array.isArray(values)) return OTHER;
  const first: unknown = values[0];
  return { type: 'answer', id, refusal: typeof first === 'string' ? first : undefined };
}

function parse(bytes: Buffer, start: number): unknown {
  try {
    return JSON.parse(bytes.toString('utf8', start));
  } catch {
    return undefined;
  }
}

function messageOf(value: unknown): string {
  const message = typeof value === 'object' && value !== null && 'message' in value ? value.message : '';
  return typeof message === 'string' ? message : '';
}
