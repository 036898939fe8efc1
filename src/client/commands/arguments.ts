/** Argument kinds that only typed commands use; the others come from the server's verb table. */

import { isRoomName, isUserName, USER_RULE } from '../../chat/names.ts';
import type { Argument } from '../../protocol/arguments.ts';
import { LIMITS } from '../../protocol/vocabulary.ts';

export const WAIT_LIMIT_SECONDS = 3_600;

const SECONDS = /^\d+(\.\d+)?$/;
const COUNT = /^\d{1,9}$/;

type Optional = string | null | undefined;

export const topic: Argument<Optional> = {
  name: 'command',
  isOptional: true,
  is: (value): value is Optional => value === undefined || typeof value === 'string',
  code: 'bad_argument',
  rule: 'name a command, such as /help msg',
};
export const seconds: Argument<string> = {
  name: 'seconds',
  isOptional: false,
  is: (value): value is string =>
    typeof value === 'string' && SECONDS.test(value) && Number(value) <= WAIT_LIMIT_SECONDS,
  code: 'bad_argument',
  rule: `SECONDS must be a number from 0 to ${WAIT_LIMIT_SECONDS}`,
};
export const waitForText: Argument<string> = {
  name: 'text',
  isOptional: false,
  is: (value): value is string => typeof value === 'string' && value !== '',
  code: 'bad_argument',
  rule: 'type the text to wait for',
};

export const conversation: Argument<string> = {
  name: 'name',
  isOptional: false,
  is: isConversation,
  code: 'bad_name',
  rule: `name a person or a #room; ${USER_RULE}`,
};

export const person: Argument<string> = {
  name: 'name',
  isOptional: false,
  is: isPerson,
  code: 'bad_name',
  rule: USER_RULE,
};

const HISTORY_RULE = `name a person or a #room, and a COUNT from 1 to ${LIMITS.page}`;

export const count: Argument<Optional> = {
  name: 'count',
  isOptional: true,
  is: (value): value is Optional => value === undefined || isPageSize(value),
  code: 'bad_argument',
  rule: HISTORY_RULE,
};
/** A conversation, or a count if the conversation is omitted. No name begins with a digit. */
export const conversationOrCount: Argument<Optional> = {
  name: 'name',
  isOptional: true,
  is: (value): value is Optional => value === undefined || isConversation(value) || isPageSize(value),
  code: 'bad_name',
  rule: HISTORY_RULE,
};
/** The search words as typed. */
export const wanted: Argument<Optional> = {
  name: 'words',
  isOptional: true,
  is: (value): value is Optional => value === undefined || typeof value === 'string',
  code: 'bad_query',
  rule: 'type the words to search for',
};

/** `@NAME` is a user, `#NAME` a room, and NAME either of them. */
function isConversation(value: unknown): value is string {
  return isPerson(value) || isRoomName(value);
}

function isPerson(value: unknown): value is string {
  return (
    isUserName(value) || (typeof value === 'string' && value.startsWith('@') && isUserName(value.slice(1)))
  );
}

export function isPageSize(value: unknown): value is string {
  if (typeof value !== 'string' || !COUNT.test(value)) return false;
  return Number(value) >= 1 && Number(value) <= LIMITS.page;
}
