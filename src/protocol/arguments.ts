/** The arguments that verbs take: for each, a check and the refusal of a value that fails it. */

import { isRoomName, isUserName, ROOM_RULE, USER_RULE } from '../chat/names.ts';
import { normalizePassword } from '../common/password.ts';
import { LIMITS, type RefusalCode } from './vocabulary.ts';

export interface Argument<T> {
  readonly name: string;
  readonly isOptional: boolean;
  /** Checks a value. An optional argument also accepts undefined and null. */
  is(value: unknown): value is T;
  /** The code and the text of the refusal if the check fails. */
  readonly code: RefusalCode;
  readonly rule: string;
}

export type Values<Specs extends ReadonlyArray<Argument<unknown>>> = {
  [Index in keyof Specs]: Specs[Index] extends Argument<infer T> ? T : never;
};

const isConversation = (value: unknown): value is string => isUserName(value) || isRoomName(value);

export const user = required('user', isUserName, 'bad_name', USER_RULE);
export const room = required('room', isRoomName, 'bad_room', ROOM_RULE);
export const recipient = required(
  'to',
  isConversation,
  'bad_name',
  `a message goes to a person or to a #room; ${USER_RULE}`,
);
export const text = required(
  'text',
  (value): value is string => isBytes(value, 1, LIMITS.text),
  'bad_text',
  `a message is 1 to ${LIMITS.text} bytes of text`,
);
export const password = required(
  'password',
  (value): value is string => isPassword(value, LIMITS.passwordMin),
  'bad_password',
  `a password is ${LIMITS.passwordMin} to ${LIMITS.passwordMax} bytes`,
);
/** A password to check, not to set. An imported account may have one that is too short for a new account. */
export const secret = required(
  'password',
  (value): value is string => isPassword(value, 1),
  'bad_password',
  `a password is 1 to ${LIMITS.passwordMax} bytes`,
);
export const key = optional(
  'key',
  (value): value is string => isBytes(value, 1, LIMITS.key),
  'bad_key',
  `a key is 1 to ${LIMITS.key} bytes of text`,
);
export const optionalRoom = optional('room', isRoomName, 'bad_room', ROOM_RULE);
/** The name after which the next page of a list begins. */
export const after = optional(
  'after',
  isConversation,
  'bad_argument',
  'a list continues after a user name or room name',
);
const isId = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
const ID_RULE = 'an id is an integer from 0 to 9007199254740991';
/** The last id that the client has received. The server sends it the entries after this one. */
export const lastId = optional('last id', isId, 'bad_argument', ID_RULE);
export const id = required('id', isId, 'bad_argument', ID_RULE);
/** A page contains only messages with smaller ids. */
export const before = optional('before', isId, 'bad_argument', ID_RULE);
export const limit = optional(
  'limit',
  (value): value is number =>
    typeof value === 'number' && Number.isSafeInteger(value) && value >= 1 && value <= LIMITS.page,
  'bad_argument',
  `a page has 1 to ${LIMITS.page} messages`,
);
export const token = required(
  'token',
  (value): value is string => isBytes(value, 1, LIMITS.token),
  'bad_token',
  `a token is 1 to ${LIMITS.token} bytes of text`,
);
export const query = required(
  'query',
  (value): value is string => isBytes(value, 1, LIMITS.query),
  'bad_query',
  `a search is 1 to ${LIMITS.query} bytes of text`,
);
const CONVERSATION_RULE = 'a conversation is a user or a #room';
export const conversation = required('with', isConversation, 'bad_name', CONVERSATION_RULE);
export const optionalConversation = optional('with', isConversation, 'bad_name', CONVERSATION_RULE);

export interface Greeting {
  readonly version?: unknown;
  readonly client?: unknown;
  /** The client promises to send something at least once in this many milliseconds. */
  readonly heartbeat?: number | null | undefined;
}
const isHeartbeat = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  (Number.isSafeInteger(value) && Number(value) >= 1_000 && Number(value) <= 3_600_000);
export const greeting = optional(
  'greeting',
  (value): value is Greeting =>
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    (!('heartbeat' in value) || isHeartbeat(value.heartbeat)),
  'bad_argument',
  'hello takes a map with "version", "client" and "heartbeat", which is 1000 to 3600000 (milliseconds)',
);

/** The refusal for the first argument that fails its check; undefined if all pass. */
export function firstFault(
  values: readonly unknown[],
  specs: ReadonlyArray<Argument<unknown>>,
): { readonly code: RefusalCode; readonly text: string } | undefined {
  for (let i = 0; i < specs.length; i += 1) {
    const spec = specs[i];
    const value = values[i];
    if (spec === undefined || spec.is(value)) continue;
    if (value === undefined || value === null) {
      return { code: 'missing_argument', text: `argument "${spec.name}" is missing` };
    }
    return { code: spec.code, text: spec.rule };
  }
  return undefined;
}

export function fits<const Specs extends ReadonlyArray<Argument<unknown>>>(
  values: readonly unknown[],
  specs: Specs,
): values is Values<Specs> {
  for (let i = 0; i < specs.length; i += 1) if (specs[i]?.is(values[i]) === false) return false;
  return true;
}

function required<T>(
  name: string,
  is: (value: unknown) => value is T,
  code: RefusalCode,
  rule: string,
): Argument<T> {
  return { name, isOptional: false, is, code, rule };
}

function optional<T>(
  name: string,
  is: (value: unknown) => value is T,
  code: RefusalCode,
  rule: string,
): Argument<T | null | undefined> {
  return {
    name,
    isOptional: true,
    is: (value): value is T | null | undefined => value === undefined || value === null || is(value),
    code,
    rule,
  };
}

/** Measures the normalized password, because that is the one that is hashed. */
function isPassword(value: unknown, min: number): value is string {
  return typeof value === 'string' && isBytes(normalizePassword(value), min, LIMITS.passwordMax);
}

/** A UTF-16 unit takes at most 3 bytes in UTF-8, so most texts need no measuring. */
function isBytes(value: unknown, min: number, max: number): value is string {
  if (typeof value !== 'string' || value.length < min) {
    return typeof value === 'string' && value.length * 3 >= min && Buffer.byteLength(value) >= min;
  }
  return value.length * 3 <= max || (value.length <= max && Buffer.byteLength(value) <= max);
}
