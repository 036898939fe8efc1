/**
 * What `--json` writes: one object a line.
 *
 * Events of the server: `{"event": name, …}` with the fields of the event under their names in docs/protocol.md:
 *   message {id, at, from, to, text}   joined, left {id, at, room, user}   live {id}   online, offline {user}
 *   delivered {id}   notice {level, text}   bye {code, text, retryAfterMs?}
 * The client's own: `{"event": "connection", "state": "connected" | "lost", "at", "text"}`.
 * Answers: `{"answer": command, "ok": true, …}`, or `{"answer": command, "ok": false, "code", "text"}`:
 *   login {user, rooms}   send {id, at, to, text}   join {room, id, users}   leave {room, id}
 *   who {room, users, complete}   rooms {rooms, complete}   others {lines}
 *   history {with, messages, more}: oldest first   search {query, in, hits, more, complete}: newest first
 * with users `[{name, online}]`, rooms `[{name, members}]`, messages `[{id, at, from, to, text}]`, hits
 * `[{id, at, from, to, snippet}]`, where `snippet` is plain text and matches by turns, beginning with plain text; ids of
 * the server, times in ms since 1970. `more`: the same command again gives what comes next.
 * Events stand in the order of the server; an answer may stand behind events that came after it. A message of this
 * client has an answer and no event, also where its answer was lost and the server repeated it as an event.
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

/** Also fit for a terminal: control characters that JSON itself lets through are escaped. */
export function toJson(line: JsonLine): string {
  return JSON.stringify(line).replace(
    /\p{Cc}|\p{Bidi_Control}|[\u2028\u2029]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
