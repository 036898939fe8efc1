/** Who has an account: it comes from the password store, or is a guest's; and how one begins and ends. */

import type { Logger } from 'pino';
import type { Account, Directory } from '../chat/directory.ts';
import type { MessageLog } from '../store/message-log.ts';
import type { RefusalCode } from '../transport/protocol.ts';
import type { Ledger } from './ledger.ts';

export interface KnownAccount {
  readonly name: string;
  readonly since: string;
}

/** How long a guest may be without a connection when the server, or this thread, has restarted. */
const GUEST_GRACE_MS = 10_000;

export class Roster {
  readonly #log: MessageLog;
  readonly #directory: Directory;
  readonly #ledger: Ledger;
  readonly #logger: Logger;
  /** Guests from before the start that have not come back yet. */
  readonly #missingGuests: Set<Account>;
  readonly #startedAt: number;

  constructor(log: MessageLog, directory: Directory, ledger: Ledger, logger: Logger, now: number) {
    this.#log = log;
    this.#directory = directory;
    this.#ledger = ledger;
    this.#logger = logger;
    this.#missingGuests = new Set([...directory.accounts()].filter((account) => account.guest));
    this.#startedAt = now;
  }

  registered(name: string): Account | undefined {
    const account = this.#directory.account(name);
    return account?.guest === false ? account : undefined;
  }

  /**
   * Makes the dictionary agree with the password store: who can log in has an account; who has an account but
   * cannot log in is not part of the dictionary.
   */
  reconcile(known: readonly KnownAccount[]): void {
    for (const { name } of known) this.#directory.revealAccount(name);
    const missing = known.filter(({ name }) => this.registered(name) === undefined);
    for (const { name } of missing) this.#retireHolder(name);
    const added = this.#log.addAccounts(missing.map((account) => ({ ...account, guest: false })));
    if (added.type !== 'stored') throw new Error(`chat.db: accounts could not be stored: ${added.type}`);
    for (const account of added.value) this.#directory.addAccount(account);
    if (this.#directory.registered > known.length) this.#hideAllBut(known);
  }

  /** A new registration. Asked twice, as after a crash, it is done once. */
  register({ name, since }: KnownAccount): RefusalCode | undefined {
    const holder = this.registered(name);
    if (holder !== undefined && this.#log.since(holder) === since) return undefined;
    const account = this.#begin(name, since, false);
    return account === undefined ? 'storage_failed' : undefined;
  }

  /** A guest always is a new account: nobody reads what an earlier guest of that name was told. */
  welcomeGuest(name: string): Account | undefined {
    return this.#begin(name, '', true);
  }

  guestIsBack(account: Account): void {
    this.#missingGuests.delete(account);
  }

  /** Ends the accounts of guests who have not come back. */
  sweep(now: number): void {
    if (this.#missingGuests.size === 0 || now - this.#startedAt < GUEST_GRACE_MS) return;
    for (const guest of this.#missingGuests) this.retire(guest);
    this.#missingGuests.clear();
  }

  /** Ends an account: it leaves its rooms, and its name is free. */
  retire(account: Account): void {
    for (const room of this.#directory.roomsOf(account)) {
      const { id, name } = account;
      this.#ledger.add({
        kind: 'left',
        account: id,
        user: name,
        room: room.id,
        roomName: room.name,
        origin: null,
      });
    }
    this.#ledger.commit();
    this.#log.retireAccount(account);
    this.#directory.removeAccount(account);
    this.#missingGuests.delete(account);
  }

  #hideAllBut(known: readonly KnownAccount[]): void {
    const able = new Set(known.map(({ name }) => this.#directory.account(name)));
    for (const account of [...this.#directory.accounts()]) {
      if (account.guest || able.has(account)) continue;
      this.#directory.hideAccount(account);
      this.#logger.warn({ event: 'account.hidden', user: account.name }, 'account is not in users.txt');
    }
  }

  #begin(name: string, since: string, guest: boolean): Account | undefined {
    this.#retireHolder(name);
    const added = this.#log.addAccounts([{ name, since, guest }]);
    const account = added.type === 'stored' ? added.value[0] : undefined;
    if (account !== undefined) this.#directory.addAccount(account);
    return account;
  }

  /** Whoever had the name before, also an account that was taken out of users.txt, is somebody else. */
  #retireHolder(name: string): void {
    const holder = this.#directory.account(name) ?? this.#directory.revealAccount(name);
    if (holder !== undefined) this.retire(holder);
  }
}
