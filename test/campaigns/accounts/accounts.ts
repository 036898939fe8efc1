/**
 * Tracks registrations and password changes: what was acknowledged, and which passwords must work, may work,
 * or must not work.
 */

import { foldName } from '../../../src/chat/names.ts';

export class KnownAccount {
  readonly name: string;
  /** The password acknowledged last; undefined until a registration has been acknowledged. */
  password: string | undefined;
  /** Passwords of requests without an answer when the server died. Each of them may be in force instead. */
  readonly unsure = new Set<string>();
  /** Passwords that must not work: replaced ones, and those of a registration that came second. */
  readonly dead = new Set<string>();
  isBusy = false;

  constructor(name: string) {
    this.name = name;
  }

  /** All passwords that may be in force. */
  get candidates(): string[] {
    return this.password === undefined ? [...this.unsure] : [this.password, ...this.unsure];
  }

  asked(password: string): void {
    this.unsure.add(password);
  }

  acknowledged(password: string): void {
    if (this.password !== undefined) this.dead.add(this.password);
    this.unsure.delete(password);
    this.password = password;
  }

  refused(password: string): void {
    this.unsure.delete(password);
    this.dead.add(password);
  }

  /**
   * Records the password that the server was found to accept: one of the candidates, or none if nothing is
   * registered.
   */
  settle(password: string | undefined): void {
    for (const other of this.candidates) if (other !== password) this.dead.add(other);
    this.unsure.clear();
    this.password = password;
    if (password !== undefined) this.dead.delete(password);
    this.isBusy = false;
  }
}

export class KnownAccounts {
  readonly #byName = new Map<string, KnownAccount>();

  /** The account with that name in any case; a new one if there is none. */
  account(name: string): KnownAccount {
    const known = this.#byName.get(foldName(name));
    if (known !== undefined) return known;
    const account = new KnownAccount(name);
    this.#byName.set(foldName(name), account);
    return account;
  }

  has(name: string): boolean {
    return this.#byName.has(foldName(name));
  }

  /** The accounts whose registration was acknowledged. */
  registered(): KnownAccount[] {
    return [...this.#byName.values()].filter(({ password }) => password !== undefined);
  }

  /** The accounts with an uncertain password. */
  unsure(): KnownAccount[] {
    return [...this.#byName.values()].filter(({ unsure }) => unsure.size > 0);
  }
}
