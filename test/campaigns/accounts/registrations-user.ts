/**
 * People who register and change their passwords while the disk fails: who was told ok can log in with it, who was told
 * that nothing was stored cannot.
 */

import { TestClient } from '../../support/client.ts';
import type { Frame } from '../../support/frames.ts';
import type { Pick } from '../../support/random.ts';
import type { Findings } from '../campaign.ts';
import { People, type Person } from './accounts.ts';
import { Door } from './password-probe.ts';

export class Newcomers {
  readonly #port: number;
  readonly #findings: Findings;
  readonly #people = new People();
  readonly #door: Door;
  /** Whom nobody has looked after yet. */
  #fresh: Person[] = [];
  #count = 0;
  readonly counts = { registered: 0, changed: 0, full: 0, unsure: 0 };

  constructor(port: number, findings: Findings) {
    this.#port = port;
    this.#findings = findings;
    this.#door = new Door(port);
  }

  /** Somebody new. False if they could not be told ok. */
  async register(): Promise<boolean> {
    this.#count += 1;
    const person = this.#people.person(`newcomer-${this.#count}`);
    this.#fresh.push(person);
    return this.#register(person, `secret ${this.#count}`);
  }

  /** One of those who came before changes the password. */
  async change(pick: Pick): Promise<void> {
    const able = this.#people.registered().filter(({ unsure, isBusy }) => unsure.size === 0 && !isBusy);
    const person = able[pick(able.length)];
    if (person?.password === undefined) return;
    person.isBusy = true;
    const client = await TestClient.connect(`127.0.0.1:${this.#port}`);
    const entered = await client.ask('login', person.name, person.password);
    if (entered?.[0] === 'ok') {
      this.#count += 1;
      const next = `changed ${this.#count}`;
      person.asked(next);
      this.#fresh.push(person);
      if (this.#take(person, next, await client.ask('password', person.password, next)))
        this.counts.changed += 1;
    } else if (
      entered?.[2] !== 'busy' &&
      entered?.[2] !== 'storage_full' &&
      entered?.[2] !== 'storage_failed'
    ) {
      this.#findings.report('lost', `${person.name} cannot log in: ${JSON.stringify(entered)}`);
    }
    person.isBusy = false;
    client.close();
  }

  /** Finds out about everybody who came since this was last done; nobody must be left in between. */
  async settle(): Promise<void> {
    const fresh = this.#fresh;
    this.#fresh = [];
    for (const person of new Set(fresh)) {
      const dead = [...person.dead];
      await this.#find(person);
      for (const password of dead) await this.#mustNot(person, password);
      if (person.password !== undefined) continue;
      if (!(await this.#register(person, `second ${person.name}`))) {
        this.#findings.report('no recovery', `${person.name} cannot register`);
      }
    }
  }

  /** Everybody, once more: after a start. */
  async checkAll(): Promise<void> {
    this.#door.reset();
    for (const person of this.#people.registered()) await this.#find(person);
  }

  reset(): void {
    this.#door.reset();
  }

  async #register(person: Person, password: string): Promise<boolean> {
    person.asked(password);
    const client = await TestClient.connect(`127.0.0.1:${this.#port}`);
    const isTaken = this.#take(person, password, await client.ask('register', person.name, password));
    client.close();
    if (isTaken) this.counts.registered += 1;
    return isTaken;
  }

  /** What an answer says of a password that was asked for. */
  #take(person: Person, password: string, answer: Frame | undefined): boolean {
    if (answer?.[0] === 'ok') {
      person.acknowledged(password);
      return true;
    }
    if (answer === undefined || answer[2] === 'storage_failed') {
      this.counts.unsure += 1;
    } else if (answer[2] === 'storage_full') {
      this.counts.full += 1;
      person.refused(password);
    } else {
      this.#findings.report('odd answer', `${person.name}: ${JSON.stringify(answer)}`);
    }
    return false;
  }

  async #find(person: Person): Promise<void> {
    const { password, candidates } = person;
    for (const candidate of candidates) {
      if (!(await this.#door.letsIn(person.name, candidate))) continue;
      person.settle(candidate);
      return;
    }
    if (password !== undefined) this.#findings.report('lost', `the account of ${person.name}`);
    person.settle(undefined);
  }

  async #mustNot(person: Person, password: string): Promise<void> {
    if (await this.#door.letsIn(person.name, password)) {
      this.#findings.report('stored though refused', `the password "${password}" of ${person.name}`);
    }
  }
}
