/** A hash pool thread: argon2id and nothing else. */

import { verifySync } from '@node-rs/argon2';
import { normalizePassword } from '../../common/password.ts';
import { hashPassword } from '../../common/password-hash.ts';
import { lowerPriority } from '../kernel/thread-priority.ts';

export type HashTask =
  | { readonly type: 'hash'; readonly password: string }
  | { readonly type: 'verify'; readonly password: string; readonly hash: string };

// A burst of logins must not slow messages down.
lowerPriority();

/**
 * Hashes the normalized password (in PHC form), or checks whether the password matches. A malformed hash matches
 * nothing.
 */
export default function run(task: HashTask): string | boolean {
  switch (task.type) {
    case 'hash':
      return hashPassword(task.password);
    case 'verify':
      try {
        return matches(task.hash, task.password);
      } catch {
        return false;
      }
    default:
      return task satisfies never;
  }
}

/**
 * Also tries the password as given, if it differs: for hashes from other software, or from before passwords were
 * normalized.
 */
function matches(hash: string, password: string): boolean {
  const normalized = normalizePassword(password);
  return verifySync(hash, normalized) || (normalized !== password && verifySync(hash, password));
}
