/**
 * The output of `--json`: one object per line. docs/client.md lists the fields of every event and answer.
 *
 * Events appear in the server's order; an answer may appear after events that arrived later. A message of this client
 * has an answer and no event, even if the answer was lost and the server repeated the message as an event.
 */

import type { Event } from '../../protocol/vocabulary.ts';
import { plainLine } from '../commands/answer-line.ts';
import type { Result } from '../commands/result.ts';

export type JsonLine = Readonly<Record<string, unknown>>;

export function eventLine(event: Event): JsonLine {
  switch (event[0]) {
    case 'message': {
      const [name, id, at, from, to, text] = event;
      return { event: name, id, at, from, to, text };
    }
    case 'joined':
    case 'left': {
      const [name, id, at, room, user] = event;
      return { event: name, id, at, room, user };
    }
    case 'live':
    case 'delivered':
      return { event: event[0], id: event[1] };
    case 'online':
    case 'offline':
      return { event: event[0], user: event[1] };
    case 'notice':
      return { event: event[0], level: event[1], text: event[2] };
    case 'bye': {
      const [name, code, text, retryAfterMs] = event;
      return retryAfterMs === undefined
        ? { event: name, code, text }
        : { event: name, code, text, retryAfterMs };
    }
    default:
      return event satisfies never;
  }
}

export function resultLine(result: Result): JsonLine {
  if (!result.ok) return { answer: result.of, ok: false, code: result.code, text: result.text };
  return { answer: result.of, ok: true, ...(result.data ?? { lines: result.lines.map(plainLine) }) };
}

/** Safe for a terminal too: escapes the control characters that JSON allows. */
export function toJson(line: JsonLine): string {
  return JSON.stringify(line).replace(
    /\p{Cc}|\p{Bidi_Control}|[\u2028\u2029]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
