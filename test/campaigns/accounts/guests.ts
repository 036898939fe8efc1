/** Guests who come while the disk fails, say something and go: nothing of them may stay behind. */

import { Asker } from '../clients/asking-client.ts';
import type { Frame } from '../clients/cuttable-connection.ts';
import type { Saying } from '../disk/send-outcomes.ts';
import type { DiskLoadOptions } from '../disk/talkers.ts';

const LOBBY = '#lobby';
/** Guests who are there at most. */
const GUESTS = 4;

export class Guests {
  readonly #options: DiskLoadOptions;
  readonly #guests: Array<{ readonly name: string; readonly asker: Asker }> = [];
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
    const { name, asker } = guest;
    const room = `${LOBBY}-${pick(3)}`;
    const joined = asker.ask('join', room);
    const said = this.#say(asker, verdicts.say(name, room, 0));
    // A guest has no token: the end of the session is all that a logout is.
    const isPolite = pick(2) === 0;
    const left = isPolite ? asker.ask('logout') : joined;
    if (isPolite || pick(2) === 0) await said;
    const answer = await left;
    if (isPolite && answer?.[0] === 'error') this.#odd('logout', answer);
    asker.destroy();
  }

  async #guestComes(): Promise<boolean> {
    const { port } = this.#options;
    this.counts.guests += 1;
    const name = `guest-${this.counts.guests}`;
    const asker = await Asker.open(port);
    const answer = await asker.ask('guest', name);
    if (answer?.[0] === 'ok') {
      this.#guests.push({ name, asker });
      return true;
    }
    this.counts['guests refused'] += 1;
    const isStorage = answer?.[2] === 'storage_full' || answer?.[2] === 'storage_failed';
    if (!isStorage) this.#odd('guest', answer);
    asker.destroy();
    return false;
  }

  async #say(asker: Asker, saying: Saying): Promise<void> {
    const { verdicts } = this.#options;
    const answer = await asker.ask('send', saying.to, saying.text, saying.key);
    if (answer?.[0] === 'ok' && Array.isArray(answer[2])) verdicts.stored(saying, Number(answer[2][0]));
    else if (answer !== undefined) verdicts.refused(saying, String(answer[2]));
  }

  leave(): void {
    for (const { asker } of this.#guests.splice(0)) asker.destroy();
  }

  #odd(what: string, answer: Frame | undefined): void {
    this.#options.findings.report('odd answer', `${what}: ${JSON.stringify(answer)}`);
  }
}
