/**
 * What the display can show: one record is one element of the page. `at` is in milliseconds since 1970; ids are the
 * server's, strictly increasing; a `tag` names an own message until the server has given it an id.
 */

import { foldName } from '../../chat/names.ts';
import type { AnswerLine } from '../commands/answer-line.ts';

export type DisplayRecord =
  | {
      readonly type: 'message';
      /** `null` for an own message that the server has not yet acknowledged; then it has a `tag`. */
      readonly id: number | null;
      readonly at: number;
      readonly from: string;
      /** A room (`#tea`) or a user. */
      readonly to: string;
      readonly text: string;
      readonly own: boolean;
      readonly tag?: string;
    }
  | { readonly type: 'stored'; readonly tag: string; readonly id: number; readonly at: number }
  /** Somebody else has been shown the own message with that id. */
  | { readonly type: 'delivered'; readonly id: number }
  /** `isUnsure`: nobody knows whether the server has stored it all the same. */
  | { readonly type: 'failed'; readonly tag: string; readonly text: string; readonly isUnsure?: boolean }
  | {
      readonly type: 'membership';
      readonly kind: 'joined' | 'left';
      readonly id: number;
      readonly at: number;
      readonly room: string;
      readonly user: string;
    }
  | {
      readonly type: 'presence';
      readonly kind: 'online' | 'offline';
      readonly at: number;
      readonly user: string;
    }
  | {
      readonly type: 'notice';
      readonly level: 'info' | 'warning' | 'error';
      readonly at: number;
      readonly text: string;
    }
  | {
      readonly type: 'answer';
      readonly at: number;
      /** The line as it was typed, for example `/who #tea`. */
      readonly command: string;
      readonly ok: boolean;
      readonly lines: readonly AnswerLine[];
    }
  | {
      readonly type: 'connection';
      readonly state: 'connected' | 'lost';
      readonly at: number;
      readonly text: string;
    };

export type Message = Extract<DisplayRecord, { type: 'message' }>;

export function isRoom(name: string): boolean {
  return name.startsWith('#');
}

/** The conversation a message belongs to: a room, or for a direct message the other person. Without regard to case. */
export function conversationOf(message: Message): string {
  return foldName(isRoom(message.to) || message.own ? message.to : message.from);
}
