/**
 * Who tried to register or to change a password, what was acknowledged, and which password must work, may work, and must
 * not.
 */

import { foldName } from '../../../src/chat/names.ts';

export class Person {
  readonly name: string;
  /** The password that was acknowledged last; undefined while no registration has been. */
  password: string | undefined;
  /** Passwords of requests that had no answer when the server died: each may be in force instead. */
  readonly unsure = new Set<string>();
  /** Passwords that must not work: changed since, or of somebody who came second. */
  readonly dead = new Set<string>();
  isBusy = false;

  constructor(name: string) {
    this.name = name;
  }

  /** All that may be in force. */
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

  /** What the server was found to take: one of the candidates, or none of them, and then nothing is registered. */
  settle(password: string | undefined): void {
    for (const other of this.candidates) if (other !== password) this.dead.add(other);
    this.unsure.clear();
    this.password = password;
    if (password !== undefined) this.dead.delete(password);
    this.isBusy = false;
  }
}

export class People {
  readonly #byName = new Map<string, Person>();

  /** The person with that name, in any case, whom there may not be yet. */
  person(name: string): Person {
    const known = this.#byName.get(foldName(name));
    if (known !== undefined) return known;
    const person = new Person(name);
    this.#byName.set(foldName(name), person);
    return person;
  }

  has(name: string): boolean {
    return this.#byName.has(foldName(name));
  }

  /** Everybody whose registration was acknowledged. */
  registered(): Person[] {
    return [...this.#byName.values()].filter(({ password }) => password !== undefined);
  }

  /** Everybody of whom something is not known. */
  unsure(): Person[] {
    return [...this.#byName.values()].filter(({ unsure }) => unsure.size > 0);
  }
}
