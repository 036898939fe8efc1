/** A thread of the hash pool: argon2id and nothing else. */

import { readlinkSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import { hashSync, verifySync } from '@node-rs/argon2';

export type HashTask =
  | { readonly type: 'hash'; readonly password: string }
  | { readonly type: 'verify'; readonly password: string; readonly hash: string };

/** The parameters that OWASP recommends for argon2id: 19 MiB, two passes, one lane. */
const PARAMETERS = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

lowerPriority();

/** The hash in PHC form, or whether the password matches. A hash that cannot be read matches nothing. */
export default function run(task: HashTask): string | boolean {
  switch (task.type) {
    case 'hash':
      return hashSync(task.password, PARAMETERS);
    case 'verify':
      try {
        return verifySync(task.hash, task.password);
      } catch {
        return false;
      }
    default:
      return task satisfies never;
  }
}

/**
 * On Linux a priority belongs to a thread, and its id can be read from /proc: hashing then takes what chat
 * leaves over, and a storm of logins does not slow messages down. Elsewhere it competes like any thread.
 */
function lowerPriority(): void {
  if (process.platform !== 'linux') return;
  try {
    const thread = Number(readlinkSync('/proc/thread-self').split('/').at(-1));
    setPriority(thread, constants.priority.PRIORITY_LOW);
  } catch {
    // Not allowed in this container: the same speed for all, as elsewhere.
  }
}
