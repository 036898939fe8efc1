/** Encodes entries as the frames of their events. */

import type { Entry } from '../../chat/entry.ts';
import { encodeFrame } from '../../protocol/codec.ts';
import type { Event } from '../../protocol/vocabulary.ts';

/** The frame for the sessions of `account`. It contains the key only if that account is the author. */
export function eventFrame(entry: Entry, account: number): Buffer {
  switch (entry.kind) {
    case 'message':
    case 'direct': {
      const { id, at, user, text, key } = entry;
      const to = entry.kind === 'message' ? entry.roomName : entry.peerName;
      return key !== null && entry.account === account
        ? encodeFrame(['message', id, at, user, to, text, key] satisfies Event)
        : encodeFrame(['message', id, at, user, to, text] satisfies Event);
    }
    case 'joined':
    case 'left':
      return encodeFrame([entry.kind, entry.id, entry.at, entry.roomName, entry.user] satisfies Event);
    default:
      return entry satisfies never;
  }
}
