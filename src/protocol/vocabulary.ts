/**
 * The vocabulary of the wire, version 1: limits, error codes, answers and events. `docs/protocol.md` is its
 * reference for people; this file is its reference for the compiler.
 */

export const PROTOCOL_VERSION = 1;

/** Size of a frame's header in bytes: an ASCII decimal integer, then blanks. */
export const HEADER_BYTES = 8;

/** Limits that a peer can run into. Sizes are in bytes, of a frame's body where it is a frame. */
export const LIMITS = {
  /** Largest body accepted before login: enough for a register with the longest password. */
  frameBeforeLogin: 4_096,
  /** Largest body accepted after login, and the largest that the server sends. */
  frame: 65_536,
  /** Largest text of one message, as UTF-8. */
  text: 8_192,
  passwordMin: 8,
  passwordMax: 256,
  /** Largest idempotency key of a send, as UTF-8. */
  key: 32,
  /** Most messages in one page of `history` or `search`. */
  page: 500,
  /** Largest token that is looked at. */
  token: 64,
  /** Largest query of a search, as UTF-8. */
  query: 256,
  /** Rooms that one account may be in; keeps the answer to `login` within one frame. */
  roomsPerAccount: 500,
} as const;

/** Every code that an `error` answer can carry, with the sentence for people. */
export const REFUSALS = {
  bad_frame: 'the frame header is not a size followed by blanks',
  frame_too_large: 'the frame is larger than this server accepts',
  malformed: 'the body is not one MessagePack array that this protocol allows',
  unknown_command: 'there is no such command',
  bad_request_id: 'the second element is the request id: a whole number from 0 to 9007199254740991',
  missing_argument: 'an argument is missing',
  bad_argument: 'an argument has the wrong type or form',
  bad_name: 'that is not a possible user name',
  bad_room: 'that is not a possible room name',
  bad_password: 'a password is 8 to 256 bytes of text',
  bad_text: 'a message is 1 to 8192 bytes of text',
  bad_key: 'a key is 1 to 32 bytes of text',
  bad_token: 'that token does not let you in any more: log in with the password',
  bad_query: 'a search is made of words, phrases in quotes, and beginnings of words with a star',
  bad_version: 'this server speaks version 1 of the protocol',
  not_logged_in: 'log in first',
  already_logged_in: 'already logged in: log out first',
  wrong_credentials: 'unknown user or wrong password',
  name_taken: 'that name is taken',
  guests_refused: 'this server does not take guests',
  not_for_guests: 'guests have no password',
  busy: 'too many passwords are being checked right now: try again in a moment',
  too_many_attempts: 'too many failed logins or registrations from this address: wait a minute',
  no_such_user: 'there is no such user',
  no_such_room: 'there is no such room',
  not_a_member: 'you are not in that room: join it first',
  too_many_rooms: 'you are in as many rooms as an account can be',
  key_reused: 'this key was used for a different message',
  storage_full: 'the disk is full: nothing was stored',
  storage_failed: 'the disk failed: it is not known whether this was stored; send again with the same key',
  unavailable: 'that part of the server is restarting: try again in a moment',
  timed_out: 'the server did not get to this in time: try again',
} as const;

export type RefusalCode = keyof typeof REFUSALS;

/** Why the server closes a connection. */
export const FAREWELLS = {
  quit: 'goodbye',
  shutdown: 'the server is shutting down',
  bad_frame: 'the stream of frames can no longer be trusted',
  too_slow: 'this connection read too slowly; reconnect',
  login_timeout: 'no login within the time allowed',
  silent: 'nothing was heard from this client for too long; reconnect',
  password_changed: 'the password of this account was changed elsewhere',
  failed: 'the server failed on this connection; reconnect',
} as const;

export type FarewellCode = keyof typeof FAREWELLS;

/** An answer to the request with that id; a refusal of something without a readable id carries `null`. */
export type Answer =
  | readonly ['ok', requestId: number]
  | readonly ['ok', requestId: number, result: unknown]
  | readonly ['error', requestId: number | null, code: RefusalCode, text: string];

/** What the server says unasked. Ids are safe integers; `at` is in milliseconds since 1970. */
export type Event =
  | readonly ['message', id: number, at: number, from: string, to: string, text: string]
  | readonly ['message', id: number, at: number, from: string, to: string, text: string, key: string]
  | readonly ['joined' | 'left', id: number, at: number, room: string, user: string]
  | readonly ['live', id: number]
  | readonly ['delivered', id: number]
  | readonly ['online' | 'offline', user: string]
  | readonly ['notice', level: 'info' | 'warning', text: string]
  | readonly ['bye', code: FarewellCode, text: string, retryAfterMs?: number];

export type ServerFrame = Answer | Event;

/** `who` and the first page of members after a `join`: names with whether they are online, then where to go on. */
export type UserPage = readonly [
  users: ReadonlyArray<readonly [name: string, online: boolean]>,
  next: string | null,
];

/** `rooms`: names with the number of members, then where to go on. */
export type RoomPage = readonly [
  rooms: ReadonlyArray<readonly [name: string, members: number]>,
  next: string | null,
];

/** One message in a page of `history`. */
export type PastMessage = readonly [id: number, at: number, from: string, to: string, text: string];

/** `history`: newest first, then the id to go on from as `before`, or null at the end. */
export type HistoryPage = readonly [messages: readonly PastMessage[], next: number | null];

/** A piece of a text around what was found: plain text and matches by turns, beginning with plain text. */
export type Snippet = readonly string[];

export type Hit = readonly [id: number, at: number, from: string, to: string, snippet: Snippet];

/**
 * `search`: newest first, then the id to go on from as `before`, or null at the end. `isComplete`: false while the
 * index does not hold all that was stored before the search.
 */
export type SearchPage = readonly [hits: readonly Hit[], next: number | null, isComplete: boolean];

export function refusal(requestId: number | null, code: RefusalCode, text: string = REFUSALS[code]): Answer {
  return ['error', requestId, code, text];
}

export function farewell(code: FarewellCode, retryAfterMs?: number): Event {
  return retryAfterMs === undefined
    ? ['bye', code, FAREWELLS[code]]
    : ['bye', code, FAREWELLS[code], retryAfterMs];
}
