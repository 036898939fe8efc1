/** Which accounts exist: those of the password store, and those of guests. */

import type { Logger } from 'pino';
import type { Account, Directory } from '../../chat/directory.ts';
import type { Outcome } from '../../chat/fold.ts';
import type { NewAccount } from '../../chat/projection.ts';
import type { RefusalCode } from '../../protocol/vocabulary.ts';
import type { Ledger } from './ledger.ts';

/** How long a guest may stay away after the server, or this thread, has restarted. */
const GUEST_GRACE_MS = 10_000;

export class Accounts {
  readonly #directory: Directory;
  readonly #ledger: Ledger;
  readonly #logger: Logger;
  /** Guests from before the restart that have not reconnected yet. */
  readonly #missingGuests = new Set<Account>();
  #startedAt = 0;

  constructor(directory: Directory, ledger: Ledger, logger: Logger) {
    this.#directory = directory;
    this.#ledger = ledger;
    this.#logger = logger;
  }

  /** Expects all present guests to reconnect soon. `now`: of the monotonic clock. */
  expectGuests(now: number): void {
    this.#startedAt = now;
    for (const account of this.#directory.accounts()) if (account.guest) this.#missingGuests.add(account);
  }

  /** Registers an account for each of these names that has none. `known`: names that can log in. */
  reconcile(known: readonly string[]): void {
    for (const name of known) this.#directory.revealAccount(name);
    const missing = known.filter((name) => this.#directory.account(name)?.guest !== false);
    let refused: RefusalCode | undefined;
    for (const name of missing) {
      this.register({ name, guest: false }, (account) => {
        if (typeof account === 'string') refused = account;
      });
    }
    // An account that a full disk refuses is created at its first login.
    this.#ledger.turn.whenDone(() => {
      if (refused === undefined) return;
      this.#logger.error({ event: refused }, 'new accounts could not be stored yet');
    });
  }

  /**
   * Proposes an account for somebody who logs in with this name. They get the existing account or a new one; a guest always
   * gets a new one.
   */
  register(newcomer: NewAccount, onRegistered: (account: Account | RefusalCode) => void): void {
    const { name, guest } = newcomer;
    // A former holder of the name, even an account that was removed from users.txt, is somebody else.
    const former = this.#directory.revealAccount(name) ?? this.#retiringHolder(name);
    if (former !== undefined) this.#ledger.retire(former);
    this.#ledger.turn.addIntent({ kind: 'register', name, guest }, (outcome) =>
      onRegistered(accountOf(outcome)),
    );
  }

  /** The holder of the name if it is being retired. That may have been refused, so the caller retires it again. */
  #retiringHolder(name: string): Account | undefined {
    const holder = this.#directory.account(name);
    return holder !== undefined && this.#ledger.isRetiring(holder) ? holder : undefined;
  }

  guestReturned(account: Account): void {
    this.#missingGuests.delete(account);
  }

  /** Retires the guests who have not reconnected in time. `now`: of the monotonic clock. */
  retireMissingGuests(now: number): void {
    if (this.#missingGuests.size === 0 || now - this.#startedAt < GUEST_GRACE_MS) return;
    for (const guest of this.#missingGuests) this.#ledger.retire(guest);
    this.#missingGuests.clear();
  }

  /** Hides every account that cannot log in. `known`: the names that can. */
  hideAllBut(known: readonly string[]): void {
    if (this.#directory.registered <= known.length) return;
    const able = new Set(known.map((name) => this.#directory.account(name)));
    for (const account of [...this.#directory.accounts()]) {
      if (account.guest || able.has(account)) continue;
      this.#directory.hideAccount(account);
      this.#logger.warn({ event: 'account.hidden', user: account.name }, 'account is not in users.txt');
    }
  }
}

function accountOf(outcome: Outcome | RefusalCode): Account | RefusalCode {
  if (typeof outcome === 'string') return outcome;
  if (outcome.type === 'known') return outcome.account;
  if (outcome.type === 'refused') return outcome.code;
  return (outcome.type === 'done' ? outcome.begun : undefined) ?? 'unavailable';
}
