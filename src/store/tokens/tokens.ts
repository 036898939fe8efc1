/**
 * `tokens.db`: tokens that let an account log in again without its password. Owned by the auth thread.
 *
 * A token is 32 random bytes; only its SHA-256 is stored, so the file itself lets nobody in. A token becomes invalid
 * when its lifetime has passed since its last use, at logout, when the account has too many newer ones, and when the
 * password record it was issued for changes. Each use checks the fingerprint of that record, so a password change
 * invalidates all tokens of the account, whatever else fails.
 *
 * Logging in with a password needs none of this, and works whatever is wrong with the file.
 */

import { hash as digest, randomBytes } from 'node:crypto';
import { foldName } from '../../chat/names.ts';
import { checkpoint, ensureSpare, inTransaction, type OpenTokens, TokensDb, unsynced } from './tokens-db.ts';

export interface TokenOptions {
  /** How long a token is valid after its last use. */
  readonly lifetimeMs: number;
  /** Maximum tokens per account: the one unused for longest is removed. */
  readonly perAccount: number;
  /** Called with problems of the file, for people; at most once an hour per cause. */
  readonly warn: (text: string) => void;
}

export const TOKEN_LIFETIME_MS = 30 * 86_400_000;
export const TOKENS_PER_ACCOUNT = 20;

/** `unavailable`: the file cannot be read at present. This does not mean that the token is invalid. */
export type TokenCheck = 'ok' | 'bad_token' | 'unavailable';

/** Whether the revocation of a token is on disk. */
export type RevokeResult = 'ok' | 'storage_full' | 'storage_failed';

export interface Tokens {
  /**
   * Issues a token that is on disk; undefined if it could not be stored. `passwordHash` is from the account's password
   * record.
   */
  issue(user: string, passwordHash: string, now: number): string | undefined;
  /**
   * Whether the token lets the account log in with its current password record. Counts as a use. `canExpire`: false
   * while the time is uncertain; then `now` should be the latest possible time.
   */
  check(user: string, token: string, passwordHash: string, now: number, canExpire?: boolean): TokenCheck;
  /**
   * Revokes the token. `ok`: on disk. Otherwise the token is invalid as long as this store is open, and `sweep` keeps
   * trying to write that; only a restart before it succeeds would make the token valid again.
   */
  revoke(token: string): RevokeResult;
  /** Removes the tokens that a password change has invalidated. */
  revokeAll(user: string): void;
  /**
   * Revokes the tokens of accounts that no longer exist, for a bounded number of users after `after`. Returns the user
   * after whom to continue; undefined if that was all.
   */
  revokeMissing(exists: (user: string) => boolean, after: string): string | undefined;
  /**
   * Removes expired tokens, a bounded number per call, if `now` is known; and retries revocations that could not be
   * written before. True if there is more to do: call again soon.
   */
  sweep(now: number | undefined): boolean;
  close(): void;
}

/** Uses closer together than this are not recorded. */
const USE_RESOLUTION_MS = 3_600_000;
const SWEEP_BATCH = 1_000;

/** The tokens in the file at `path`. Never fails: a file that cannot be used causes a warning, and is tried again. */
export function openTokens(path: string, options: TokenOptions): Tokens {
  const db = new TokensDb(path, options.warn);
  // Opened now, so that the first login does not wait for it.
  db.use(() => {});
  return new TokenStore(db, options);
}

class TokenStore implements Tokens {
  readonly #db: TokensDb;
  readonly #lifetimeMs: number;
  readonly #perAccount: number;
  /** Base64 hashes of tokens whose revocation is not on disk. At most as many as there are tokens. */
  readonly #revoked = new Set<string>();

  constructor(db: TokensDb, { lifetimeMs, perAccount }: TokenOptions) {
    this.#db = db;
    this.#lifetimeMs = lifetimeMs;
    this.#perAccount = perAccount;
  }

  issue(user: string, passwordHash: string, now: number): string | undefined {
    const token = randomBytes(32).toString('base64url');
    const name = foldName(user);
    const stored = this.#db.use((open) =>
      inTransaction(open, () => {
        open.evict.run(name, this.#perAccount - 1);
        open.add.run(sha256(token), name, sha256(passwordHash), now + this.#lifetimeMs);
      }),
    );
    return stored.type === 'done' ? token : undefined;
  }

  check(user: string, token: string, passwordHash: string, now: number, canExpire = true): TokenCheck {
    const hash = sha256(token);
    if (this.#revoked.has(hash.toString('base64'))) return 'bad_token';
    const expires = now + this.#lifetimeMs;
    const resolution = Math.min(USE_RESOLUTION_MS, this.#lifetimeMs / 2);
    // Only hashes are compared, so the time this takes reveals nothing useful about the token.
    const found = this.#db.use((open) =>
      open.find.get(expires, resolution, hash, foldName(user), sha256(passwordHash), canExpire ? now : 0),
    );
    if (found.type !== 'done') return 'unavailable';
    if (found.value === undefined) return 'bad_token';
    // If this cannot be written, the token is still valid, but not for longer.
    if (found.value.isStale === 1)
      this.#db.use((open) => unsynced(open, () => open.extend.run(expires, hash)));
    return 'ok';
  }

  revoke(token: string): RevokeResult {
    const hash = sha256(token);
    const outcome = this.#remove([hash]);
    if (outcome !== 'ok') this.#revoked.add(hash.toString('base64'));
    return outcome;
  }

  revokeAll(user: string): void {
    // Not synced and allowed to fail, because the fingerprints of these tokens no longer match.
    this.#db.use((open) => unsynced(open, () => open.removeAll.run(foldName(user))));
  }

  revokeMissing(isThere: (user: string) => boolean, after: string): string | undefined {
    const looked = this.#db.use((open) => {
      const users = open.users.all(after, SWEEP_BATCH).map(({ user }) => String(user));
      const gone = users.filter((user) => !isThere(user));
      if (gone.length > 0) {
        inTransaction(open, () => {
          for (const user of gone) open.removeAll.run(user);
        });
      }
      return users.length === SWEEP_BATCH ? users.at(-1) : undefined;
    });
    return looked.type === 'done' ? looked.value : undefined;
  }

  sweep(now: number | undefined): boolean {
    this.#retryRevocations();
    this.#db.use(ensureSpare);
    if (now === undefined) return false;
    const swept = this.#db.use((open) =>
      unsynced(open, () => [
        // Tokens used while the clock was ahead.
        open.shorten.run(now + this.#lifetimeMs, SWEEP_BATCH).changes,
        open.sweep.run(now, SWEEP_BATCH).changes,
      ]),
    );
    return swept.type === 'done' && swept.value.some((changes) => Number(changes) === SWEEP_BATCH);
  }

  close(): void {
    this.#retryRevocations();
    this.#db.close();
  }

  /** Writes earlier revocations that could not be written. */
  #retryRevocations(): void {
    const late = Array.from(this.#revoked.values().take(SWEEP_BATCH));
    if (late.length === 0 || this.#remove(late.map((hash) => Buffer.from(hash, 'base64'))) !== 'ok') return;
    for (const hash of late) this.#revoked.delete(hash);
  }

  #remove(hashes: readonly Buffer[]): RevokeResult {
    const remove = (open: OpenTokens): void =>
      inTransaction(open, () => {
        for (const hash of hashes) open.remove.run(hash);
      });
    let outcome = this.#db.use(remove);
    if (outcome.type === 'storage_full') {
      outcome = this.#db.use((open) => {
        checkpoint(open);
        remove(open);
      });
    }
    return outcome.type === 'done' ? 'ok' : outcome.type;
  }
}

function sha256(text: string): Buffer {
  return digest('sha256', text, 'buffer');
}
