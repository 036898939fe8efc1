/** Guests who log in while the disk fails, send a message and leave: nothing of them may stay behind. */

import { TestClient } from '../../support/client.ts';
import type { Frame } from '../../support/frames.ts';
import type { Attempt } from '../disk/send-outcomes.ts';
import type { TalkersOptions } from '../disk/talkers.ts';

const LOBBY = '#lobby';
/** The most guests online at one time. */
const GUESTS = 4;

export class Guests {
  readonly #options: TalkersOptions;
  readonly #guests: Array<{ readonly name: string; readonly client: TestClient }> = [];
  #count = 0;

  constructor(options: TalkersOptions) {
    this.#options = options;
  }

  /** A guest logs in; or one who is online joins, sends and leaves, all at once. */
  async visit(): Promise<void> {
    const { pick, outcomes } = this.#options;
    if (this.#guests.length < GUESTS && (await this.#guestComes())) return;
    const guest = this.#guests.shift();
    if (guest === undefined) return;
    const { name, client } = guest;
    const room = `${LOBBY}-${pick(3)}`;
    const joined = client.ask('join', room);
    const said = this.#say(client, outcomes.say(name, room, 0));
    // A guest has no token, so a logout only ends the session.
    const isPolite = pick(2) === 0;
    const left = isPolite ? client.ask('logout') : joined;
    if (isPolite || pick(2) === 0) await said;
    const answer = await left;
    if (isPolite && answer?.[0] === 'error') this.#odd('logout', answer);
    client.close();
  }

  async #guestComes(): Promise<boolean> {
    const { port } = this.#options;
    this.#count += 1;
    const name = `guest-${this.#count}`;
    const client = await TestClient.connect(`127.0.0.1:${port}`);
    const answer = await client.ask('guest', name);
    if (answer?.[0] === 'ok') {
      this.#guests.push({ name, client });
      return true;
    }
    const isStorage = answer?.[2] === 'storage_full' || answer?.[2] === 'storage_failed';
    if (!isStorage) this.#odd('guest', answer);
    client.close();
    return false;
  }

  async #say(client: TestClient, attempt: Attempt): Promise<void> {
    const { outcomes } = this.#options;
    const answer = await client.ask('send', attempt.to, attempt.text, attempt.key);
    if (answer?.[0] === 'ok' && Array.isArray(answer[2])) outcomes.stored(attempt, Number(answer[2][0]));
    else if (answer !== undefined) outcomes.refused(attempt, String(answer[2]));
  }

  leave(): void {
    for (const { client } of this.#guests.splice(0)) client.close();
  }

  #odd(what: string, answer: Frame | undefined): void {
    this.#options.findings.report('odd answer', `${what}: ${JSON.stringify(answer)}`);
  }
}
