/**
 * What the display can show: each record becomes one element of the page. `at` is in ms since 1970. Ids are the
 * server's and strictly increasing. A `tag` identifies an own message until the server has given it an id.
 */

import { foldName } from '../../chat/names.ts';
import type { AnswerLine } from '../commands/answer-line.ts';

export type DisplayRecord =
  | {
      readonly type: 'message';
      /** `null` for an own message that the server has not acknowledged, which then has a `tag`. */
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
  /** A recipient has seen the own message with that id. */
  | { readonly type: 'delivered'; readonly id: number }
  /** `isUnsure`: the server may have stored the message all the same. */
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
      /** The typed line, for example `/who #tea`. */
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

export type MessageRecord = Extract<DisplayRecord, { type: 'message' }>;

export function isRoom(name: string): boolean {
  return name.startsWith('#');
}

/** The conversation a message belongs to: a room, or the other user of a direct message. Ignores case. */
export function conversationOf(message: MessageRecord): string {
  return foldName(isRoom(message.to) || message.own ? message.to : message.from);
}
