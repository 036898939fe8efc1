/**
 * The frames of the protocol, version 1, as types: limits, refusal codes, answers and events. `docs/protocol.md` is
 * the reference for people.
 */

import { ROOMS_PER_ACCOUNT } from '../chat/state.ts';

export const PROTOCOL_VERSION = 1;

/** Size of a frame's header in bytes: an ASCII decimal integer, then blanks. */
export const HEADER_BYTES = 8;

/** Limits of the protocol. Sizes are in bytes; the size of a frame is that of its body. */
export const LIMITS = {
  /** Largest body accepted before login: enough for a `register` with the longest password. */
  frameBeforeLogin: 4_096,
  /** Largest body accepted after login, and the largest that the server sends. */
  frame: 65_536,
  /** Longest text of a message, as UTF-8. */
  text: 8_192,
  passwordMin: 8,
  passwordMax: 256,
  /** Longest idempotency key of a `send`, as UTF-8. */
  key: 32,
  /** Most messages in one page of `history` or `search`. */
  page: 500,
  /** Longest token accepted, as UTF-8. */
  token: 64,
  /** Longest query of a search, as UTF-8. */
  query: 256,
  roomsPerAccount: ROOMS_PER_ACCOUNT,
} as const;

/** The codes of `error` answers, each with its default text for people. */
export const REFUSALS = {
  bad_frame: 'the frame header is not a size followed by blanks',
  frame_too_large: 'the frame is larger than this server accepts',
  malformed: 'the body is not one MessagePack array that this protocol allows',
  unknown_command: 'there is no such command',
  bad_request_id: 'the second element must be the request id, an integer from 0 to 9007199254740991',
  missing_argument: 'an argument is missing',
  bad_argument: 'an argument has the wrong type or form',
  bad_name: 'that is not a valid user name',
  bad_room: 'that is not a valid room name',
  bad_password: 'a password is 8 to 256 bytes of text',
  bad_text: 'a message is 1 to 8192 bytes of text',
  bad_key: 'a key is 1 to 32 bytes of text',
  bad_token: 'that token is no longer valid: log in with the password',
  bad_query: 'a search consists of words, phrases in quotation marks, and prefixes that end with a star',
  bad_version: 'this server speaks version 1 of the protocol',
  not_logged_in: 'log in first',
  already_logged_in: 'already logged in: log out first',
  wrong_credentials: 'unknown user or wrong password',
  name_taken: 'that name is taken',
  guests_refused: 'this server accepts no guests',
  not_for_guests: 'guests have no password',
  busy: 'the server is checking too many passwords: try again in a moment',
  too_many_attempts: 'too many failed logins or registrations from this address: wait a minute',
  no_such_user: 'there is no such user',
  no_such_room: 'there is no such room',
  not_a_member: 'you are not in that room: join it first',
  too_many_rooms: 'you are in 500 rooms, the limit for an account: leave one first',
  key_reused: 'this key was used for a different message',
  storage_full: "the server's disk is full: nothing was stored",
  storage_failed:
    "the server's disk failed: it is unknown whether this was stored; send it again with the same key",
  unavailable: 'that part of the server is restarting: try again in a moment',
  timed_out: 'the server did not handle the request in time: try again',
} as const;

export type RefusalCode = keyof typeof REFUSALS;

/** Why the server closes a connection. */
export const FAREWELLS = {
  quit: 'goodbye',
  shutdown: 'the server is shutting down',
  bad_frame: 'this client sent an invalid frame',
  too_slow: 'this client read too slowly; reconnect',
  login_timeout: 'this client did not log in in time',
  silent: 'this client broke its heartbeat promise; reconnect',
  password_changed: 'the password of this account was changed elsewhere',
  failed: 'the server failed on this connection; reconnect',
} as const;

export type FarewellCode = keyof typeof FAREWELLS;

/** The answer to the request with that id. A refusal carries `null` if the server could not read a request id. */
export type Answer =
  | readonly ['ok', requestId: number]
  | readonly ['ok', requestId: number, result: unknown]
  | readonly ['error', requestId: number | null, code: RefusalCode, text: string];

/** A frame that the server sends on its own. Ids are safe integers; `at` is in milliseconds since 1970. */
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

/**
 * A page of `who`, or the members in the answer to `join`. `next`: the `after` of the next page; null on the last page.
 */
export type UserPage = readonly [
  users: ReadonlyArray<readonly [name: string, online: boolean]>,
  next: string | null,
];

/** A page of `rooms`. `next`: the `after` of the next page; null on the last page. */
export type RoomPage = readonly [
  rooms: ReadonlyArray<readonly [name: string, members: number]>,
  next: string | null,
];

/** One message in a page of `history`. */
export type HistoryMessage = readonly [id: number, at: number, from: string, to: string, text: string];

/** A page of `history`, newest first. `next`: the `before` of the next page; null on the last page. */
export type HistoryPage = readonly [messages: readonly HistoryMessage[], next: number | null];

/** The part of a text around the matches: plain text and matches in turn, beginning with plain text. */
export type Snippet = readonly string[];

export type SearchHit = readonly [id: number, at: number, from: string, to: string, snippet: Snippet];

/**
 * A page of `search`, newest first. `next`: the `before` of the next page; null on the last page. `isComplete`: false if
 * the index does not yet contain every message that was stored before the search.
 */
export type SearchPage = readonly [hits: readonly SearchHit[], next: number | null, isComplete: boolean];

export function refusal(requestId: number | null, code: RefusalCode, text: string = REFUSALS[code]): Answer {
  return ['error', requestId, code, text];
}

export function farewell(code: FarewellCode, retryAfterMs?: number): Event {
  return retryAfterMs === undefined
    ? ['bye', code, FAREWELLS[code]]
    : ['bye', code, FAREWELLS[code], retryAfterMs];
}
