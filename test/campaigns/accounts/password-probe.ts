/** Tries any number of passwords. */

import { TestClient } from '../../support/client.ts';

/** The server allows 30 failures per minute and address. */
const FAILURES = 25;

export class PasswordProbe {
  readonly #port: number;
  #client: TestClient | undefined;
  #failures = 0;
  #addresses = 0;

  constructor(port: number) {
    this.#port = port;
  }

  async accepts(name: string, password: string): Promise<boolean> {
    const client = await this.#open();
    for (;;) {
      const answer = await client.ask('login', name, password);
      if (answer?.[0] === 'ok') {
        await client.ok('logout');
        return true;
      }
      if (answer?.[2] === 'wrong_credentials') {
        this.#failures += 1;
        return false;
      }
      if (answer?.[2] !== 'busy' && answer?.[2] !== 'unavailable') {
        throw new Error(`login ${name}: ${JSON.stringify(answer ?? 'the connection ended')}`);
      }
    }
  }

  /** Call after the server has been restarted. */
  reset(): void {
    this.#client?.close();
    this.#client = undefined;
  }

  async close(): Promise<void> {
    await this.#client?.ask('quit');
    this.reset();
  }

  async #open(): Promise<TestClient> {
    if (this.#failures >= FAILURES) this.reset();
    if (this.#client !== undefined) return this.#client;
    this.#failures = 0;
    this.#addresses = (this.#addresses + 1) % 62_500;
    const from = `127.0.${1 + Math.floor(this.#addresses / 250)}.${1 + (this.#addresses % 250)}`;
    this.#client = await TestClient.connect(`127.0.0.1:${this.#port}`, from);
    return this.#client;
  }
}
