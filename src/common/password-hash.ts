/** How passwords are hashed: argon2id, in PHC form. */

import { hashSync } from '@node-rs/argon2';
import { normalizePassword } from './password.ts';

/** The parameters that OWASP recommends for argon2id: 19 MiB, two passes, one lane. */
const USUAL = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/** The lowest cost that argon2 allows with one lane: 8 KiB, one pass (RFC 9106, section 3.1). For load tests only. */
const CHEAP = { memoryCost: 8, timeCost: 1, parallelism: 1 };

/** The hash of the normalized password. At the usual cost this takes tens of milliseconds of the calling thread. */
export function hashPassword(password: string, cost: 'usual' | 'cheap' = 'usual'): string {
  return hashSync(normalizePassword(password), cost === 'usual' ? USUAL : CHEAP);
}
