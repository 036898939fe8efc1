/** Who has an account: it comes from the password store, or is a guest's; and who has which name. */

import type { Logger } from 'pino';
import type { Account, Directory } from '../chat/directory.ts';
import type { NewAccount } from '../store/message-log.ts';
import type { Begun, Ledger } from './ledger.ts';

/** How long a guest may be without a connection when the server, or this thread, has restarted. */
const GUEST_GRACE_MS = 10_000;

export class Roster {
  readonly #directory: Directory;
  readonly #ledger: Ledger;
  readonly #logger: Logger;
  /** Guests from before the start that have not come back yet. */
  readonly #missingGuests: Set<Account>;
  readonly #startedAt: number;

  constructor(directory: Directory, ledger: Ledger, logger: Logger, now: number) {
    this.#directory = directory;
    this.#ledger = ledger;
    this.#logger = logger;
    this.#missingGuests = new Set([...directory.accounts()].filter((account) => account.guest));
    this.#startedAt = now;
  }

  /** Sees to it that these, who can log in, have accounts. */
  reconcile(known: readonly string[]): void {
    for (const name of known) this.#directory.revealAccount(name);
    const missing = known.filter((name) => this.#directory.account(name)?.guest !== false);
    for (const name of missing) this.#retireHolder(name);
    this.#ledger.commit();
    for (const name of missing) this.#ledger.begin({ name, guest: false }, () => {});
    // Those that a full disk refuses begin when they log in.
    const refused = this.#ledger.commit();
    if (refused !== undefined) this.#logger.error({ event: refused }, 'new accounts could not be stored yet');
  }

  /**
   * Gives the account that who comes in with this name gets: the one that there is, or a new one. A guest always is
   * a new account: nobody reads what an earlier guest of that name was told. `wait`: the name is changing hands;
   * ask again when the batch has been committed.
   */
  admit(newcomer: NewAccount, begun: Begun): 'wait' | undefined {
    const { name, guest } = newcomer;
    if (this.#ledger.changesName(name)) return 'wait';
    const holder = this.#directory.account(name);
    if (holder?.guest === false) {
      begun(guest ? 'name_taken' : holder);
      return undefined;
    }
    // It leaves the rooms that it is in when what it has asked for has been committed.
    if (holder !== undefined && this.#ledger.changesMembership(holder.id)) return 'wait';
    // Whoever had the name before, also an account that was taken out of users.txt, is somebody else.
    this.#directory.revealAccount(name);
    if (this.#retireHolder(name)) return 'wait';
    this.#ledger.begin(newcomer, begun);
    return undefined;
  }

  guestIsBack(account: Account): void {
    this.#missingGuests.delete(account);
  }

  /** Ends the accounts of guests who have not come back. */
  sweep(now: number): void {
    if (this.#missingGuests.size === 0 || now - this.#startedAt < GUEST_GRACE_MS) return;
    for (const guest of this.#missingGuests) this.#ledger.retire(guest);
    this.#missingGuests.clear();
  }

  /** Who has an account but cannot log in is not part of the dictionary. `known`: everybody who can. */
  hideAllBut(known: readonly string[]): void {
    if (this.#directory.registered <= known.length) return;
    const able = new Set(known.map((name) => this.#directory.account(name)));
    for (const account of [...this.#directory.accounts()]) {
      if (account.guest || able.has(account)) continue;
      this.#directory.hideAccount(account);
      this.#logger.warn({ event: 'account.hidden', user: account.name }, 'account is not in users.txt');
    }
  }

  #retireHolder(name: string): boolean {
    const holder = this.#directory.account(name);
    if (holder === undefined) return false;
    this.#missingGuests.delete(holder);
    this.#ledger.retire(holder);
    return true;
  }
}
