/**
 * Registers accounts and changes passwords while the disk fails or the server is killed. An acknowledged
 * password must work, and one refused as not stored must not.
 */

import { TestClient } from '../../support/client.ts';
import type { Frame } from '../../support/frames.ts';
import type { Pick } from '../../support/random.ts';
import type { Findings } from '../campaign.ts';
import { type KnownAccount, KnownAccounts } from './accounts.ts';
import { PasswordProbe } from './password-probe.ts';

/** Refusals of a login that say nothing about the password. */
const NOT_NOW = new Set<unknown>(['busy', 'unavailable', 'storage_full', 'storage_failed']);

export const ACCOUNT_FINDINGS = ['lost', 'odd answer', 'no recovery', 'stored though refused'] as const;

export class RegisteringUsers {
  readonly #port: number;
  readonly #findings: Findings;
  readonly #accounts = new KnownAccounts();
  readonly #probe: PasswordProbe;
  /** Accounts that have not been checked yet. */
  #fresh: KnownAccount[] = [];
  #count = 0;
  readonly counts = { registered: 0, changed: 0, full: 0, unsure: 0 };

  constructor(port: number, findings: Findings) {
    this.#port = port;
    this.#findings = findings;
    this.#probe = new PasswordProbe(port);
  }

  /** Everybody whose registration was acknowledged, or was found to be in force. */
  get names(): string[] {
    return this.#accounts.registered().map(({ name }) => name);
  }

  /** Registers a new account. False unless it was acknowledged. */
  async register(): Promise<boolean> {
    this.#count += 1;
    const account = this.#accounts.account(`newcomer-${this.#count}`);
    this.#fresh.push(account);
    return this.#register(account, `secret ${this.#count}`);
  }

  /** Registers and changes passwords until the server cannot be reached any more. */
  async untilItEnds(pick: Pick): Promise<void> {
    try {
      for (;;) {
        await this.register();
        if (pick(2) === 0) await this.change(pick);
      }
    } catch {
      // Nobody listens any more, or the connection ended before it was open.
    }
  }

  /** Changes the password of an earlier account. */
  async change(pick: Pick): Promise<void> {
    const able = this.#accounts.registered().filter(({ unsure, isBusy }) => unsure.size === 0 && !isBusy);
    const account = able[pick(able.length)];
    if (account?.password === undefined) return;
    account.isBusy = true;
    const client = await TestClient.connect(`127.0.0.1:${this.#port}`);
    const entered = await client.ask('login', account.name, account.password);
    if (entered?.[0] === 'ok') {
      this.#count += 1;
      const next = `changed ${this.#count}`;
      account.asked(next);
      this.#fresh.push(account);
      if (this.#take(account, next, await client.ask('password', account.password, next)))
        this.counts.changed += 1;
    } else if (entered !== undefined && !NOT_NOW.has(entered[2])) {
      this.#findings.report('lost', `${account.name} cannot log in: ${JSON.stringify(entered)}`);
    }
    account.isBusy = false;
    client.close();
  }

  /** Checks every account that is new since the last call; none may stay half registered. */
  async settle(): Promise<void> {
    const fresh = this.#fresh;
    this.#fresh = [];
    for (const account of new Set(fresh)) {
      const dead = [...account.dead];
      await this.#find(account);
      for (const password of dead) await this.#mustNot(account, password);
      if (account.password !== undefined) continue;
      if (!(await this.#register(account, `second ${account.name}`))) {
        this.#findings.report('no recovery', `${account.name} cannot register`);
      }
    }
  }

  /** Checks every account again, after a start. */
  async checkAll(): Promise<void> {
    this.#probe.reset();
    for (const account of this.#accounts.registered()) await this.#find(account);
  }

  reset(): void {
    this.#probe.reset();
  }

  async #register(account: KnownAccount, password: string): Promise<boolean> {
    account.asked(password);
    const client = await TestClient.connect(`127.0.0.1:${this.#port}`);
    const isTaken = this.#take(account, password, await client.ask('register', account.name, password));
    client.close();
    if (isTaken) this.counts.registered += 1;
    return isTaken;
  }

  /** Records what the answer says about the password. */
  #take(account: KnownAccount, password: string, answer: Frame | undefined): boolean {
    if (answer?.[0] === 'ok') {
      account.acknowledged(password);
      return true;
    }
    if (answer === undefined || answer[2] === 'storage_failed') {
      this.counts.unsure += 1;
    } else if (answer[2] === 'storage_full') {
      this.counts.full += 1;
      account.refused(password);
    } else {
      this.#findings.report('odd answer', `${account.name}: ${JSON.stringify(answer)}`);
    }
    return false;
  }

  async #find(account: KnownAccount): Promise<void> {
    const { password, candidates } = account;
    for (const candidate of candidates) {
      if (!(await this.#probe.accepts(account.name, candidate))) continue;
      account.settle(candidate);
      return;
    }
    if (password !== undefined) this.#findings.report('lost', `the account of ${account.name}`);
    account.settle(undefined);
  }

  async #mustNot(account: KnownAccount, password: string): Promise<void> {
    if (await this.#probe.accepts(account.name, password)) {
      this.#findings.report('stored though refused', `the password "${password}" of ${account.name}`);
    }
  }
}
