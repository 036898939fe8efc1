/**
 * `tokens.db`: the tokens that let an account in again without its password, owned by the auth thread.
 *
 * A token is 32 random bytes; only its SHA-256 is stored, so that the file lets nobody in. A token ends when its lifetime
 * has passed since its last use, at logout, when the account has too many newer ones, and with the password record
 * that it was given for: the fingerprint of that is looked at on each use, so a password change ends all tokens of the
 * account, whatever else fails.
 *
 * Nothing here is needed to log in with a password. Whatever goes wrong with the file, that works.
 */

import { hash as digest, randomBytes } from 'node:crypto';
import { foldName } from '../../chat/names.ts';
import { checkpoint, inTransaction, keepRoom, type OpenTokens, TokensDb, unsynced } from './tokens-db.ts';

export interface TokenOptions {
  /** How long a token is good for after it was last used. */
  readonly lifetimeMs: number;
  /** Most tokens of one account: the one unused for longest gives way. */
  readonly perAccount: number;
  /** Told what went wrong with the file, for people; at most once an hour for each cause. */
  readonly warn: (text: string) => void;
}

export const TOKEN_LIFETIME_MS = 30 * 86_400_000;
export const TOKENS_PER_ACCOUNT = 20;

/** `unavailable`: the file cannot be read at present. It does not say that the token has ended. */
export type TokenCheck = 'ok' | 'bad_token' | 'unavailable';

/** Whether the end of a token is on disk. */
export type TokenEnd = 'ok' | 'storage_full' | 'storage_failed';

export interface Tokens {
  /** A token for the account, on disk; undefined if it could not be stored. `passwordHash`: its password record's. */
  issue(user: string, passwordHash: string, now: number): string | undefined;
  /**
   * Whether the token lets that account in with its present password record. Counts as a use of it. `canExpire`: false
   * while nobody knows what time it is; then `now` should be the latest time that it may be.
   */
  check(user: string, token: string, passwordHash: string, now: number, canExpire?: boolean): TokenCheck;
  /**
   * Ends the token. `ok`: on disk. Otherwise it lets nobody in as long as this store is open, and `sweep` goes on trying
   * to write that down; only a restart that comes before that succeeded would bring it back.
   */
  end(token: string): TokenEnd;
  /** Removes what a password change has ended. */
  endAll(user: string): void;
  /**
   * Ends the tokens of accounts that are not there any more, of a bounded number of users behind `after`. Returns the user to go on
   * behind; undefined when it was the last.
   */
  endWithout(isThere: (user: string) => boolean, after: string): string | undefined;
  /**
   * Removes expired tokens, a bounded number a call, if `now` is known; and takes up again what could not be written before.
   * True if there is more to do: call again soon.
   */
  sweep(now: number | undefined): boolean;
  close(): void;
}

/** Uses that are closer together than this are not written down. */
const USE_RESOLUTION_MS = 3_600_000;
const SWEPT_A_CALL = 1_000;

/** The tokens in the file at `path`. Never fails: a file that cannot be used is warned about, and tried again. */
export function openTokens(path: string, options: TokenOptions): Tokens {
  const db = new TokensDb(path, options.warn);
  // Opened at once, so that the first login does not wait for it.
  db.use(() => {});
  return new TokenStore(db, options);
}

class TokenStore implements Tokens {
  readonly #db: TokensDb;
  readonly #lifetimeMs: number;
  readonly #perAccount: number;
  /** Hashes in base64 of tokens that ended, but not on disk. No more than there are tokens. */
  readonly #ended = new Set<string>();

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
    if (this.#ended.has(hash.toString('base64'))) return 'bad_token';
    const expires = now + this.#lifetimeMs;
    const resolution = Math.min(USE_RESOLUTION_MS, this.#lifetimeMs / 2);
    // What is compared is the hash of the token: how long that takes tells nothing that helps to guess the token.
    const found = this.#db.use((open) =>
      open.find.get(expires, resolution, hash, foldName(user), sha256(passwordHash), canExpire ? now : 0),
    );
    if (found.type !== 'done') return 'unavailable';
    if (found.value === undefined) return 'bad_token';
    // If it cannot be written the token is good all the same, only not for longer.
    if (found.value.isStale === 1)
      this.#db.use((open) => unsynced(open, () => open.extend.run(expires, hash)));
    return 'ok';
  }

  end(token: string): TokenEnd {
    const hash = sha256(token);
    const outcome = this.#remove([hash]);
    if (outcome !== 'ok') this.#ended.add(hash.toString('base64'));
    return outcome;
  }

  endAll(user: string): void {
    // Not synced, and free to fail: the fingerprints of these tokens do not fit any more.
    this.#db.use((open) => unsynced(open, () => open.removeAll.run(foldName(user))));
  }

  endWithout(isThere: (user: string) => boolean, after: string): string | undefined {
    const looked = this.#db.use((open) => {
      const users = open.users.all(after, SWEPT_A_CALL).map(({ user }) => String(user));
      const gone = users.filter((user) => !isThere(user));
      if (gone.length > 0) {
        inTransaction(open, () => {
          for (const user of gone) open.removeAll.run(user);
        });
      }
      return users.length === SWEPT_A_CALL ? users.at(-1) : undefined;
    });
    return looked.type === 'done' ? looked.value : undefined;
  }

  sweep(now: number | undefined): boolean {
    this.#endLate();
    this.#db.use(keepRoom);
    if (now === undefined) return false;
    const swept = this.#db.use((open) =>
      unsynced(open, () => [
        // Those that were used while the clock was ahead.
        open.shorten.run(now + this.#lifetimeMs, SWEPT_A_CALL).changes,
        open.sweep.run(now, SWEPT_A_CALL).changes,
      ]),
    );
    return swept.type === 'done' && swept.value.some((changes) => Number(changes) === SWEPT_A_CALL);
  }

  close(): void {
    this.#endLate();
    this.#db.close();
  }

  /** Writes down what ended before, when that could not be written. */
  #endLate(): void {
    const late = Array.from(this.#ended.values().take(SWEPT_A_CALL));
    if (late.length === 0 || this.#remove(late.map((hash) => Buffer.from(hash, 'base64'))) !== 'ok') return;
    for (const hash of late) this.#ended.delete(hash);
  }

  #remove(hashes: readonly Buffer[]): TokenEnd {
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
