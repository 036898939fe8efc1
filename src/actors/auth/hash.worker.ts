/** A thread of the hash pool: argon2id and nothing else. */

import { hashSync, verifySync } from '@node-rs/argon2';
import { normalizePassword } from '../../common/password.ts';
import { lowerPriority } from '../kernel/thread-priority.ts';

export type HashTask =
  | { readonly type: 'hash'; readonly password: string }
  | { readonly type: 'verify'; readonly password: string; readonly hash: string };

/** The parameters that OWASP recommends for argon2id: 19 MiB, two passes, one lane. */
const PARAMETERS = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

// A storm of logins does not slow messages down.
lowerPriority();

/** The hash in PHC form of the normalized password, or whether the password matches. A hash that cannot be read matches nothing. */
export default function run(task: HashTask): string | boolean {
  switch (task.type) {
    case 'hash':
      return hashSync(normalizePassword(task.password), PARAMETERS);
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
