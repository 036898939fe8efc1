/**
 * Frames from the server, checked as strictly as the server checks ours: the client uses nothing of a frame before it
 * has verified its shape. Extra trailing elements and unknown events are ignored, so that the protocol can grow.
 */

import { isRoomName, isUserName } from '../../chat/names.ts';
import { key as keySpec, text as textSpec } from '../../protocol/arguments.ts';
import {
  type Event,
  FAREWELLS,
  type FarewellCode,
  type HistoryMessage,
  type HistoryPage,
  type RoomPage,
  type SearchHit,
  type SearchPage,
  type UserPage,
} from '../../protocol/vocabulary.ts';

/** An answer. A newer server may send codes that this client does not know. */
export type ServerAnswer =
  | { readonly type: 'ok'; readonly requestId: number; readonly result: unknown }
  | {
      readonly type: 'error';
      readonly requestId: number | null;
      readonly code: string;
      readonly text: string;
    };

export type ServerFrame =
  | ServerAnswer
  | { readonly type: 'event'; readonly event: Event }
  | { readonly type: 'unknown' }
  | { readonly type: 'malformed' };

const MALFORMED: ServerFrame = { type: 'malformed' };

export function readServerFrame(frame: readonly unknown[]): ServerFrame {
  switch (frame[0]) {
    case 'ok':
      return readOk(frame);
    case 'error':
      return readError(frame);
    case 'message':
    case 'joined':
    case 'left':
    case 'live':
    case 'delivered':
    case 'online':
    case 'offline':
    case 'notice':
    case 'bye': {
      const event = readEvent(frame);
      return event === undefined ? MALFORMED : { type: 'event', event };
    }
    default:
      return typeof frame[0] === 'string' ? { type: 'unknown' } : MALFORMED;
  }
}

function readOk([, requestId, result]: readonly unknown[]): ServerFrame {
  return isCount(requestId) ? { type: 'ok', requestId, result } : MALFORMED;
}

function readError([, requestId, code, text]: readonly unknown[]): ServerFrame {
  if (requestId !== null && !isCount(requestId)) return MALFORMED;
  if (typeof code !== 'string' || typeof text !== 'string') return MALFORMED;
  return { type: 'error', requestId, code, text };
}

function readEvent(frame: readonly unknown[]): Event | undefined {
  switch (frame[0]) {
    case 'message':
      return readMessage(frame);
    case 'joined':
    case 'left': {
      const [kind, id, at, room, user] = frame;
      return isCount(id) && isCount(at) && isRoomName(room) && isUserName(user)
        ? [kind, id, at, room, user]
        : undefined;
    }
    case 'live':
    case 'delivered':
      return isCount(frame[1]) ? [frame[0], frame[1]] : undefined;
    case 'online':
    case 'offline':
      return isUserName(frame[1]) ? [frame[0], frame[1]] : undefined;
    case 'notice': {
      const [, level, text] = frame;
      return (level === 'info' || level === 'warning') && typeof text === 'string'
        ? ['notice', level, text]
        : undefined;
    }
    case 'bye':
      return readBye(frame);
    default:
      return undefined;
  }
}

function readMessage([, id, at, from, to, text, key]: readonly unknown[]): Event | undefined {
  if (!isCount(id) || !isCount(at) || !isUserName(from)) return undefined;
  if (!isUserName(to) && !isRoomName(to)) return undefined;
  if (!textSpec.is(text) || !keySpec.is(key)) return undefined;
  return typeof key === 'string'
    ? ['message', id, at, from, to, text, key]
    : ['message', id, at, from, to, text];
}

/** An unknown reason counts as a failure, so the client reconnects. */
function readBye([, code, text, retryAfterMs]: readonly unknown[]): Event | undefined {
  if (typeof code !== 'string' || typeof text !== 'string') return undefined;
  const known: FarewellCode = isFarewell(code) ? code : 'failed';
  if (retryAfterMs === undefined || retryAfterMs === null) return ['bye', known, text];
  return isCount(retryAfterMs) ? ['bye', known, text, retryAfterMs] : undefined;
}

/** The result of `send`: `[id, at]`. */
export function readStored(result: unknown): { readonly id: number; readonly at: number } | undefined {
  if (!Array.isArray(result)) return undefined;
  const [id, at]: unknown[] = result;
  return isCount(id) && isCount(at) ? { id, at } : undefined;
}

/** The result of `login`, `resume` and `guest`. */
export function readWelcome(
  result: unknown,
):
  | { readonly user: string; readonly rooms: readonly string[]; readonly token: string | undefined }
  | undefined {
  if (typeof result !== 'object' || result === null || !('user' in result) || !('rooms' in result))
    return undefined;
  const { user, rooms } = result;
  const token = 'token' in result ? (result.token ?? undefined) : undefined;
  if (!isUserName(user) || !Array.isArray(rooms) || !rooms.every(isRoomName)) return undefined;
  return token === undefined || typeof token === 'string' ? { user, rooms, token } : undefined;
}

/** The result of `join`: `[id | null, first page of members]`. The id is null if the user was already in the room. */
export function readJoined(
  result: unknown,
): { readonly id: number | null; readonly members: UserPage } | undefined {
  if (!Array.isArray(result)) return undefined;
  const [id, page]: unknown[] = result;
  const members = readUserPage(page);
  return (id === null || isCount(id)) && members !== undefined ? { id, members } : undefined;
}

/** The result of `leave`: `[id]`. */
export function readLeft(result: unknown): { readonly id: number } | undefined {
  if (!Array.isArray(result)) return undefined;
  const [id]: unknown[] = result;
  return isCount(id) ? { id } : undefined;
}

export function readUserPage(result: unknown): UserPage | undefined {
  return readPage(result, (user): user is readonly [string, boolean] => {
    if (!Array.isArray(user)) return false;
    const [name, online]: unknown[] = user;
    return isUserName(name) && typeof online === 'boolean';
  });
}

export function readRoomPage(result: unknown): RoomPage | undefined {
  return readPage(result, (room): room is readonly [string, number] => {
    if (!Array.isArray(room)) return false;
    const [name, members]: unknown[] = room;
    return isRoomName(name) && isCount(members);
  });
}

/** `before` is the requested bound. The page is malformed if its ids do not fall, or are not below the bound. */
export function readHistoryPage(result: unknown, before: number | null): HistoryPage | undefined {
  if (!Array.isArray(result)) return undefined;
  const [messages, next]: unknown[] = result;
  if (!Array.isArray(messages) || !messages.every(isHistoryMessage)) return undefined;
  return isFalling(messages, next, before) ? [messages, next ?? null] : undefined;
}

export function readSearchPage(result: unknown, before: number | null): SearchPage | undefined {
  if (!Array.isArray(result)) return undefined;
  const [hits, next, isComplete]: unknown[] = result;
  if (!Array.isArray(hits) || !hits.every(isSearchHit) || typeof isComplete !== 'boolean') return undefined;
  return isFalling(hits, next, before) ? [hits, next ?? null, isComplete] : undefined;
}

function isHistoryMessage(value: unknown): value is HistoryMessage {
  return Array.isArray(value) && isEnvelope(value) && textSpec.is(value[4]);
}

function isSearchHit(value: unknown): value is SearchHit {
  if (!Array.isArray(value) || !isEnvelope(value)) return false;
  const snippet: unknown = value[4];
  return Array.isArray(snippet) && snippet.every((piece) => typeof piece === 'string');
}

/** What every message has: `id, at, from, to`. */
function isEnvelope([id, at, from, to]: readonly unknown[]): boolean {
  return isCount(id) && isCount(at) && isUserName(from) && (isUserName(to) || isRoomName(to));
}

function isFalling(
  page: ReadonlyArray<HistoryMessage | SearchHit>,
  next: unknown,
  before: number | null,
): next is number | null | undefined {
  let above = before ?? Number.POSITIVE_INFINITY;
  for (const [id] of page) {
    if (id >= above) return false;
    above = id;
  }
  return (
    next === null || next === undefined || (isCount(next) && next < (before ?? Number.POSITIVE_INFINITY))
  );
}

function readPage<Item>(
  page: unknown,
  isItem: (value: unknown) => value is Item,
): readonly [readonly Item[], string | null] | undefined {
  if (!Array.isArray(page)) return undefined;
  const [items, next]: unknown[] = page;
  if (!Array.isArray(items) || !items.every(isItem)) return undefined;
  if (next === null || next === undefined) return [items, null];
  return isUserName(next) || isRoomName(next) ? [items, next] : undefined;
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isFarewell(code: string): code is FarewellCode {
  return Object.hasOwn(FAREWELLS, code);
}
