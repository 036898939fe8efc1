/** The credentials used to log in again after a connection loss, and which refusals are final. Kept in memory only. */

import { type Credentials, isTransient } from './login.ts';
import type { Response } from './requests.ts';

export class LoginCredentials {
  /** From the last login. The server may have revoked it since. */
  token: string | undefined;
  #credentials: Credentials;
  /** The new password of a change whose outcome is unknown. */
  #nextPassword: string | undefined;

  /** For a user who is logged in: a later login does not register again. */
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

  /** Changes the password, which revokes every token. If the answer is lost, later logins try both passwords. */
  async change(next: string, ask: () => Promise<Response>): Promise<Response> {
    this.#nextPassword = next;
    const response = await ask();
    if (response.type === 'ok') this.#use(next);
    if (response.type !== 'lost') this.#nextPassword = undefined;
    return response;
  }

  /** True if another attempt would be refused as well. */
  isFinal(code: string): boolean {
    if (code === 'wrong_credentials' && this.#nextPassword !== undefined) {
      this.#use(this.#nextPassword);
      this.#nextPassword = undefined;
      return false;
    }
    // The server may not have noticed yet that this guest's previous connection is gone.
    if (code === 'name_taken') return !this.isGuest;
    return !isTransient(code);
  }

  #use(password: string): void {
    this.token = undefined;
    if (this.#credentials.type === 'account') this.#credentials = { ...this.#credentials, password };
  }
}
