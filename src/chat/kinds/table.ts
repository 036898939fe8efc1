/** Every kind of intent and of entry. A new kind is a file in this folder, and its rows here. */

import { decideRegister, decideRetire } from './accounts.ts';
import { decideJoin, decideLeave, JOINED, LEFT } from './membership.ts';
import { DIRECT, decideSay, MESSAGE } from './say.ts';
import { decideSeen } from './seen.ts';

/** Each decides the intents of its kind. */
export const INTENTS = {
  say: decideSay,
  join: decideJoin,
  leave: decideLeave,
  register: decideRegister,
  retire: decideRetire,
  seen: decideSeen,
} as const;

export const ENTRIES = {
  message: MESSAGE,
  direct: DIRECT,
  joined: JOINED,
  left: LEFT,
} as const;
