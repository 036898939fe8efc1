/** Who the session logs in as again after a loss, and which refusals then are final. In memory only. */

import { type Credentials, isPassing } from './login.ts';
import type { Response } from './requests.ts';

export class Identity {
  /** Of the last login; the server may have ended it since. */
  token: string | undefined;
  #credentials: Credentials;
  /** The password of a change that may or may not have been carried out. */
  #nextPassword: string | undefined;

  /** Of somebody who is in: nothing is registered again. */
  constructor(credentials: Credentials) {
    this.#credentials = credentials.type === 'account' ? { ...credentials, register: false } : credentials;
  }

  get credentials(): Credentials {
    return this.#credentials;
  }

  get user(): string {
    return this.#credentials.user;
  }

  get isGuest(): boolean {
    return this.#credentials.type === 'guest';
  }

  /** Runs a change of password, which ends every token. If its answer is lost, both passwords are tried. */
  async change(next: string, ask: () => Promise<Response>): Promise<Response> {
    this.#nextPassword = next;
    const response = await ask();
    if (response.type === 'ok') this.#use(next);
    if (response.type !== 'lost') this.#nextPassword = undefined;
    return response;
  }

  /** True if trying again would be refused again. */
  isFinal(code: string): boolean {
    if (code === 'wrong_credentials' && this.#nextPassword !== undefined) {
      this.#use(this.#nextPassword);
      this.#nextPassword = undefined;
      return false;
    }
    // The server may not have noticed yet that this guest's last connection is gone.
    if (code === 'name_taken') return !this.isGuest;
    return !isPassing(code);
  }

  #use(password: string): void {
    this.token = undefined;
    if (this.#credentials.type === 'account') this.#credentials = { ...this.#credentials, password };
  }
}
