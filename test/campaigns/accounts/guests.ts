/** Guests who come while the disk fails, say something and go: nothing of them may stay behind. */

import { TestClient } from '../../support/client.ts';
import type { Frame } from '../../support/frames.ts';
import type { Saying } from '../disk/send-outcomes.ts';
import type { DiskLoadOptions } from '../disk/talkers.ts';

const LOBBY = '#lobby';
/** Guests who are there at most. */
const GUESTS = 4;

export class Guests {
  readonly #options: DiskLoadOptions;
  readonly #guests: Array<{ readonly name: string; readonly client: TestClient }> = [];
  readonly counts = { guests: 0, 'guests refused': 0 };

  constructor(options: DiskLoadOptions) {
    this.#options = options;
  }

  /** Somebody comes; or one of those who are there says something and goes, all in one breath. */
  async visit(): Promise<void> {
    const { pick, verdicts } = this.#options;
    if (this.#guests.length < GUESTS && (await this.#guestComes())) return;
    const guest = this.#guests.shift();
    if (guest === undefined) return;
    const { name, client } = guest;
    const room = `${LOBBY}-${pick(3)}`;
    const joined = client.ask('join', room);
    const said = this.#say(client, verdicts.say(name, room, 0));
    // A guest has no token: the end of the session is all that a logout is.
    const isPolite = pick(2) === 0;
    const left = isPolite ? client.ask('logout') : joined;
    if (isPolite || pick(2) === 0) await said;
    const answer = await left;
    if (isPolite && answer?.[0] === 'error') this.#odd('logout', answer);
    client.close();
  }

  async #guestComes(): Promise<boolean> {
    const { port } = this.#options;
    this.counts.guests += 1;
    const name = `guest-${this.counts.guests}`;
    const client = await TestClient.connect(`127.0.0.1:${port}`);
    const answer = await client.ask('guest', name);
    if (answer?.[0] === 'ok') {
      this.#guests.push({ name, client });
      return true;
    }
    this.counts['guests refused'] += 1;
    const isStorage = answer?.[2] === 'storage_full' || answer?.[2] === 'storage_failed';
    if (!isStorage) this.#odd('guest', answer);
    client.close();
    return false;
  }

  async #say(client: TestClient, saying: Saying): Promise<void> {
    const { verdicts } = this.#options;
    const answer = await client.ask('send', saying.to, saying.text, saying.key);
    if (answer?.[0] === 'ok' && Array.isArray(answer[2])) verdicts.stored(saying, Number(answer[2][0]));
    else if (answer !== undefined) verdicts.refused(saying, String(answer[2]));
  }

  leave(): void {
    for (const { client } of this.#guests.splice(0)) client.close();
  }

  #odd(what: string, answer: Frame | undefined): void {
    this.#options.findings.report('odd answer', `${what}: ${JSON.stringify(answer)}`);
  }
}
