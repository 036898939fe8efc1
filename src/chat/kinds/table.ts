/** All kinds of intents and entries. To add a kind, add a file to this folder and its rows here. */

import { decideRegister, decideRetire } from './accounts.ts';
import { decideJoin, decideLeave, JOINED, LEFT } from './membership.ts';
import { DIRECT, decideSay, MESSAGE } from './say.ts';
import { decideSeen } from './seen.ts';

/** By kind of intent, the function that decides it. */
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
