/**
 * What `decide` may look at: the state after all earlier intents of the log, including those of the same batch.
 */

import type { RefusalCode } from '../protocol/vocabulary.ts';
import type { Account, Directory } from './directory.ts';
import type { Draft } from './entry.ts';

/** The message for which a key was used. */
export interface KeyUse {
  readonly id: number;
  readonly at: number;
  /** True if it was this very message. */
  isSame(to: string, text: string): boolean;
}

export interface ChatState {
  readonly directory: Directory;
  /** The message for which the account used the key, if it did within the last 24 hours. */
  findKey(account: number, key: string): KeyUse | undefined;
}

/** What one intent changes, in order. Entries are changes that have an id and are shown to people. */
export type Change =
  | Draft
  | { readonly kind: 'begun'; readonly name: string; readonly guest: boolean }
  | { readonly kind: 'ended'; readonly account: Account }
  | { readonly kind: 'marked'; readonly account: number; readonly id: number };

export type Decision =
  | { readonly type: 'changes'; readonly changes: readonly Change[] }
  /** A repeat of the message with this id, which was stored at that time. */
  | { readonly type: 'repeated'; readonly id: number; readonly at: number }
  /** The account exists already. */
  | { readonly type: 'known'; readonly account: Account }
  /** There is nothing to do. */
  | { readonly type: 'unchanged' }
  | { readonly type: 'refused'; readonly code: RefusalCode };

export const UNCHANGED: Decision = { type: 'unchanged' };

export function refused(code: RefusalCode): Decision {
  return { type: 'refused', code };
}

export function one(change: Change): Decision {
  return { type: 'changes', changes: [change] };
}
