/** Server events in readable form: as display records, and as lines of plain text. */

import { foldName } from '../../chat/names.ts';
import type { Event } from '../../protocol/vocabulary.ts';
import type { DisplayRecord } from '../display/display-record.ts';

/**
 * The record of an event for `user`, or undefined for an event that is not shown. `now` is used for events that carry
 * no time.
 */
export function recordOf(event: Event, user: string, now: number): DisplayRecord | undefined {
  switch (event[0]) {
    case 'message': {
      const [, id, at, from, to, text] = event;
      return { type: 'message', id, at, from, to, text, own: foldName(from) === foldName(user) };
    }
    case 'joined':
    case 'left': {
      const [kind, id, at, room, member] = event;
      return { type: 'membership', kind, id, at, room, user: member };
    }
    case 'online':
    case 'offline':
      return { type: 'presence', kind: event[0], at: now, user: event[1] };
    case 'notice':
      return { type: 'notice', level: event[1], at: now, text: event[2] };
    case 'delivered':
      return { type: 'delivered', id: event[1] };
    // The session shows changes of the connection itself.
    case 'live':
    case 'bye':
      return undefined;
    default:
      return event satisfies never;
  }
}

/** The id of the log entry, if the event is one. */
export function entryId(event: Event): number | undefined {
  switch (event[0]) {
    case 'message':
    case 'joined':
    case 'left':
      return event[1];
    default:
      return undefined;
  }
}

/** The text that `/wait-for` searches. */
export function lineOf(event: Event): string | undefined {
  switch (event[0]) {
    case 'message': {
      const [, , , from, to, text] = event;
      return to.startsWith('#') ? `${to} ${from}: ${text}` : `${from}: ${text}`;
    }
    case 'joined':
    case 'left':
      return `${event[4]} ${event[0]} ${event[3]}`;
    case 'online':
    case 'offline':
      return `${event[1]} is ${event[0]}`;
    case 'notice':
      return event[2];
    case 'delivered':
    case 'live':
    case 'bye':
      return undefined;
    default:
      return event satisfies never;
  }
}

/** The names of users and rooms in an event. */
export function namesIn(event: Event): readonly string[] {
  switch (event[0]) {
    case 'message':
      return [event[3], event[4]];
    case 'joined':
    case 'left':
      return [event[4], event[3]];
    case 'online':
    case 'offline':
      return [event[1]];
    default:
      return [];
  }
}
