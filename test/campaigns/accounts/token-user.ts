/** A user who keeps logging in, keeps some of the tokens, and ends others by logging out. */

import { TestClient } from '../../support/client.ts';
import type { Pick } from '../../support/random.ts';
import type { Findings } from '../campaign.ts';
import { fieldsOf } from '../clients/resuming-client.ts';
import { passwordOf } from './cheap-accounts.ts';

export const TOKEN_USER = 'tokenUser';
/** Kept tokens. An account has 20, and the one unused for longest is dropped. */
const KEPT = 5;

export class TokenUser {
  readonly #port: number;
  readonly #findings: Findings;
  readonly #pick: Pick;
  #kept: string[] = [];
  #ended: string[] = [];

  constructor(port: number, findings: Findings, pick: Pick) {
    this.#port = port;
    this.#findings = findings;
    this.#pick = pick;
  }

  async visit(): Promise<void> {
    const client = await TestClient.connect(`127.0.0.1:${this.#port}`);
    const answer = await client.ask('login', TOKEN_USER, passwordOf(TOKEN_USER));
    const { token } = fieldsOf(answer?.[2]);
    if (answer?.[0] !== 'ok' && answer?.[2] !== 'busy') this.#report('not read', 'login', answer);
    if (typeof token === 'string') await this.#use(client, token);
    client.close();
  }

  /** Kept tokens must resume a session and ended tokens must not, even after a restart. */
  async check(): Promise<void> {
    for (const token of this.#kept) await this.#resume(token, 'ok');
    for (const token of this.#ended) await this.#resume(token, 'bad_token');
    this.#ended = this.#ended.slice(-KEPT);
  }

  async #use(client: TestClient, token: string): Promise<void> {
    if (this.#pick(2) === 0) await this.#end(client, token);
    else this.#kept = [...this.#kept, token].slice(-KEPT);
  }

  async #end(client: TestClient, token: string): Promise<void> {
    const answer = await client.ask('logout');
    if (answer?.[0] === 'ok') this.#ended.push(token);
    else if (answer?.[2] !== 'storage_full' && answer?.[2] !== 'storage_failed')
      this.#report('odd answer', 'logout', answer);
  }

  async #resume(token: string, expected: 'ok' | 'bad_token'): Promise<void> {
    const client = await TestClient.connect(`127.0.0.1:${this.#port}`);
    const answer = await client.ask('resume', TOKEN_USER, token);
    const outcome = answer?.[0] === 'ok' ? 'ok' : answer?.[2];
    const kind = expected === 'ok' ? 'lost' : 'stored though refused';
    if (outcome !== expected) this.#report(kind, `a token that should be ${expected}`, answer);
    client.close();
  }

  #report(kind: string, what: string, answer: unknown): void {
    this.#findings.report(kind, `${TOKEN_USER}, ${what}: ${JSON.stringify(answer)}`);
  }
}
