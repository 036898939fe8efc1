/**
 * The state that `decide` may read: that after all earlier intents of the log, including those of the same batch.
 */

import type { Account, Directory } from './directory.ts';
import type { Draft } from './entry.ts';

/** The message for which an account used a key. */
export interface KeyUse {
  readonly id: number;
  readonly at: number;
  /** True if that message had this recipient and this text. */
  isSame(to: string, text: string): boolean;
}

export interface ChatState {
  readonly directory: Directory;
  /** The message for which the account used the key, if it did within the last 24 hours. */
  findKey(account: number, key: string): KeyUse | undefined;
}

/** One change that an intent makes. Changes that become entries get an id, and people see them. */
export type Change =
  | Draft
  | { readonly kind: 'begun'; readonly name: string; readonly guest: boolean }
  | { readonly kind: 'ended'; readonly account: Account }
  | { readonly kind: 'marked'; readonly account: number; readonly id: number };

/** Most rooms that an account may be in. Keeps the answer to `login`, which lists them, within one frame. */
export const ROOMS_PER_ACCOUNT = 500;

/** Why an intent is refused. `storage_failed`: its key could not be looked up. */
export type IntentRefusal =
  | 'key_reused'
  | 'name_taken'
  | 'no_such_room'
  | 'no_such_user'
  | 'not_a_member'
  | 'not_logged_in'
  | 'storage_failed'
  | 'too_many_rooms';

export type Decision =
  | { readonly type: 'changes'; readonly changes: readonly Change[] }
  /** A repeat of the message with this id, which was stored at that time. */
  | { readonly type: 'repeated'; readonly id: number; readonly at: number }
  /** The account exists already. */
  | { readonly type: 'known'; readonly account: Account }
  /** There is nothing to do. */
  | { readonly type: 'unchanged' }
  | { readonly type: 'refused'; readonly code: IntentRefusal };

export const UNCHANGED: Decision = { type: 'unchanged' };

export function refused(code: IntentRefusal): Decision {
  return { type: 'refused', code };
}

export function singleChange(change: Change): Decision {
  return { type: 'changes', changes: [change] };
}
