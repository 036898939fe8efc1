/** A thread of the hash pool: argon2id and nothing else. */

import { verifySync } from '@node-rs/argon2';
import { normalizePassword } from '../../common/password.ts';
import { hashPassword } from '../../common/password-hash.ts';
import { lowerPriority } from '../kernel/thread-priority.ts';

export type HashTask =
  | { readonly type: 'hash'; readonly password: string }
  | { readonly type: 'verify'; readonly password: string; readonly hash: string };

// A storm of logins does not slow messages down.
lowerPriority();

/** The hash in PHC form of the normalized password, or whether the password matches. A hash that cannot be read matches nothing. */
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

/** Also as it was given, if that differs: hashes from other software, and from before passwords were normalized. */
function matches(hash: string, password: string): boolean {
  const normalized = normalizePassword(password);
  return verifySync(hash, normalized) || (normalized !== password && verifySync(hash, password));
}
