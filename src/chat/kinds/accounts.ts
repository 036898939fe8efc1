/** The beginning and the end of accounts. */

import type { Account, Directory } from '../directory.ts';
import type { Journal } from '../journal.ts';
import { type Change, type ChatState, type Decision, refused, UNCHANGED } from '../state.ts';

/** Makes sure that an account with that name exists. A guest always gets a new one. */
export interface RegisterIntent {
  readonly kind: 'register';
  readonly name: string;
  readonly guest: boolean;
}

/** Ends an account: it leaves its rooms, and its name becomes free. */
export interface RetireIntent {
  readonly kind: 'retire';
  readonly account: number;
  readonly user: string;
}

/**
 * A name belongs to the account that registered it. A guest with that name gives way to a registered account and to the next
 * guest. Each guest is a new account, so nobody can read messages to an earlier guest of the same name.
 */
export function decideRegister({ directory }: ChatState, { name, guest }: RegisterIntent): Decision {
  const holder = directory.account(name);
  if (holder?.guest === false) return guest ? refused('name_taken') : { type: 'known', account: holder };
  const changes = holder === undefined ? [] : retirement(directory, holder);
  return { type: 'changes', changes: [...changes, { kind: 'begun', name, guest }] };
}

export function decideRetire({ directory }: ChatState, { account, user }: RetireIntent): Decision {
  const holder = directory.account(user);
  if (holder?.id !== account) return UNCHANGED;
  return { type: 'changes', changes: retirement(directory, holder) };
}

/** The changes that end an account: it leaves its rooms first. */
function retirement(directory: Directory, account: Account): Change[] {
  const left = Array.from(directory.roomsOf(account).keys(), (room): Change => {
    const { id, name } = account;
    return { kind: 'left', account: id, user: name, room: room.id, roomName: room.name, origin: null };
  });
  return [...left, { kind: 'ended', account }];
}

export function applyBegun(directory: Directory, account: Account, journal: Journal): void {
  const newest = directory.newestAccountId;
  directory.addAccount(account);
  journal.push(() => {
    directory.removeAccount(account);
    directory.newestAccountId = newest;
  });
}

export function applyEnded(directory: Directory, account: Account, journal: Journal): void {
  directory.removeAccount(account);
  journal.push(() => directory.addAccount(account));
}
