/** Entries on their way to connections: as tuples between threads, and as the bytes of an event. */

import type { Entry } from '../../chat/entry.ts';
import { encodeFrame } from '../../protocol/codec.ts';
import type { Event } from '../../protocol/vocabulary.ts';

/** `number` is 0 in entries that answer no command of the receiving shard. */
type RoutedMessage = readonly [
  'message',
  id: number,
  at: number,
  number: number,
  account: number,
  user: string,
  room: number,
  roomName: string,
  text: string,
  key: string | null,
];
type RoutedDirect = readonly [
  'direct',
  id: number,
  at: number,
  number: number,
  account: number,
  user: string,
  peer: number,
  peerName: string,
  text: string,
  key: string | null,
];
type RoutedChange = readonly [
  'joined' | 'left',
  id: number,
  at: number,
  number: number,
  account: number,
  user: string,
  room: number,
  roomName: string,
];
export type Routed = RoutedMessage | RoutedDirect | RoutedChange;

export function toRouted(entry: Entry, number: number): Routed {
  switch (entry.kind) {
    case 'message':
      return [
        'message',
        entry.id,
        entry.at,
        number,
        entry.account,
        entry.user,
        entry.room,
        entry.roomName,
        entry.text,
        entry.key,
      ];
    case 'direct':
      return [
        'direct',
        entry.id,
        entry.at,
        number,
        entry.account,
        entry.user,
        entry.peer,
        entry.peerName,
        entry.text,
        entry.key,
      ];
    case 'joined':
    case 'left':
      return [entry.kind, entry.id, entry.at, number, entry.account, entry.user, entry.room, entry.roomName];
    default:
      return entry satisfies never;
  }
}

/** The event of an entry for the sessions of an account: who said it is told the key again. */
export function eventFrame(item: Routed, account: number): Buffer {
  switch (item[0]) {
    case 'message':
    case 'direct': {
      const [, id, at, , author, user, , to, text, key] = item;
      return key !== null && author === account
        ? encodeFrame(['message', id, at, user, to, text, key] satisfies Event)
        : encodeFrame(['message', id, at, user, to, text] satisfies Event);
    }
    case 'joined':
    case 'left': {
      const [kind, id, at, , , user, , room] = item;
      return encodeFrame([kind, id, at, room, user] satisfies Event);
    }
    default:
      return item satisfies never;
  }
}
