/** Messages that one run of the client leaves for the next, and what the person is asked about them. */

import { printable, shorten } from '../../common/printable.ts';
import type { ReaderLink } from '../reader/reader-link.ts';
import { formatMoment, momentOf } from '../terminal/local-time.ts';
import type { Person } from '../terminal/startup-questions.ts';
import type { Credentials } from './login.ts';
import { PENDING_LIMIT, type Unsent } from './send-queue.ts';
import type { Session } from './session.ts';
import { UnsentStore } from './unsent-store.ts';

/** What became of the messages that were not stored when the client ended. */
export type Fate =
  | { readonly type: 'kept' | 'dropped'; readonly count: number }
  /** Nobody was asked, and they are gone; `text` says why they could not be kept, if that was tried. */
  | { readonly type: 'lost'; readonly count: number; readonly text?: string };

/**
 * The server knows a key for 24 hours. What was typed earlier could be stored twice, and may not be meant any more: the
 * person is asked. In ms.
 */
const FRESH_MS = 23 * 60 * 60 * 1_000;
/** How long quitting waits for the server before the person is asked. In ms. */
const ACKNOWLEDGE_MS = 3_000;
/** How long the replay may take at the start. In ms. */
const REPLAY_MS = 10_000;
type Choice = 'keep' | 'drop' | 'stay';
const QUIT = /^\/?(q|quit|exit)$/;

/** Of a message, as much as a question repeats. */
const SHOWN_CHARACTERS = 60;

export class CarryOver {
  readonly #session: Session;
  readonly #readerLink: ReaderLink;
  readonly #person: Person;
  /** Undefined for guests: who comes back is somebody else to the server. */
  #store: UnsentStore | undefined;
  #hasEntered = false;
  /** The person has chosen to drop what is not stored. */
  #isDropping = false;
  /** The person wants to be asked about old ones again. */
  #isOldLeft = false;
  /** A crash keeps them too. */
  readonly #exit = (): void => void this.conclude(this.#session.outgoing.unsent);

  constructor(session: Session, readerLink: ReaderLink, person: Person) {
    this.#session = session;
    this.#readerLink = readerLink;
    this.#person = person;
  }

  /** Call before each login: what the server has stored meanwhile may come back with it. */
  prepare(credentials: Credentials): void {
    this.#store = undefined;
    this.#session.outgoing.restore([]);
    if (credentials.type === 'guest') return;
    this.#store = new UnsentStore(this.#session.address, credentials.user);
    const { messages, troubles } = this.#store.load();
    for (const trouble of troubles) this.#person.tell(trouble);
    this.#session.outgoing.restore(messages);
    this.#readerLink.recognise(messages.map(({ key }) => key));
  }

  /** Call after the login. The messages that are to be sent now, in order. */
  async begin(): Promise<readonly Unsent[]> {
    this.#hasEntered = true;
    process.once('exit', this.#exit);
    const { outgoing } = this.#session;
    if (outgoing.unsent.length === 0) {
      this.#store?.keep([]);
      return [];
    }
    await this.#session.whenLive(REPLAY_MS);
    const messages = outgoing.restored;
    const now = Date.now();
    const isFresh = ({ at }: Unsent): boolean => at <= now && now - at < FRESH_MS;
    const old = messages.filter((message) => !isFresh(message));
    const isOldSent = old.length > 0 && (await this.#askAboutOld(old));
    const wanted = isOldSent ? messages : messages.filter(isFresh);
    const sent = wanted.slice(0, PENDING_LIMIT);
    this.#store?.leave([...(this.#isOldLeft ? old : []), ...wanted.slice(PENDING_LIMIT)]);
    outgoing.forget(messages.filter((message) => !sent.includes(message)));
    const kept = this.#store?.keep(sent);
    if (kept?.type === 'failed') this.#person.tell(`what is not sent cannot be kept: ${kept.text}`);
    if (sent.length > 0) this.#person.tell(`sending ${count(sent.length)} of last time`);
    return sent;
  }

  /** Whether to end now; asks if that would leave messages behind. */
  async mayQuit(): Promise<boolean> {
    const { outgoing, state } = this.#session;
    if (state.type === 'online') await outgoing.whenEmpty(ACKNOWLEDGE_MS);
    while (outgoing.size > 0) {
      const choice = await this.#askHowToQuit(outgoing.size);
      if (choice === 'stay') return false;
      this.#isDropping = choice === 'drop';
      const kept = this.#isDropping ? undefined : this.#store?.keep(outgoing.unsent);
      if (kept?.type !== 'failed') return true;
      this.#person.tell(`they cannot be kept: ${kept.text}`);
    }
    return true;
  }

  /** Who answers by quitting again means it. */
  async #askHowToQuit(waiting: number): Promise<Choice> {
    const canKeep = this.#store !== undefined;
    const choices: readonly Choice[] = canKeep ? ['keep', 'drop', 'stay'] : ['drop', 'stay'];
    const fallback: Choice = canKeep ? 'keep' : 'stay';
    const question = canKeep
      ? `${count(waiting)} not sent yet: keep for the next start, drop, or stay? [keep]: `
      : `${count(waiting)} not sent yet: drop and quit, or stay? [stay]: `;
    for (;;) {
      const typed = (await this.#person.consult(question))?.trim().toLowerCase();
      if (typed === '') return fallback;
      if (typed === undefined || QUIT.test(typed)) return canKeep ? 'keep' : 'drop';
      const choice = choices.find((known) => known.startsWith(typed));
      if (choice !== undefined) return choice;
    }
  }

  /** What the first Ctrl-C says. */
  get warning(): string {
    const { size } = this.#session.outgoing;
    if (size === 0) return '(Ctrl-C again quits)';
    const fate = this.#store === undefined ? 'drops' : 'keeps for the next start';
    return `(Ctrl-C again quits, and ${fate} ${count(size)} not sent yet)`;
  }

  /** Keeps what is not stored, or forgets what is. Call when nothing more is sent. */
  conclude(unsent: readonly Unsent[]): Fate {
    process.off('exit', this.#exit);
    const messages = this.#isDropping ? [] : unsent;
    // Who never came in has left what there was as it was.
    if (!this.#hasEntered) return { type: 'dropped', count: 0 };
    if (this.#store === undefined)
      return { type: this.#isDropping ? 'dropped' : 'lost', count: unsent.length };
    const kept = this.#store.keep(messages);
    if (kept.type === 'failed' && unsent.length > 0) {
      return { type: 'lost', count: unsent.length, text: kept.text };
    }
    return { type: this.#isDropping ? 'dropped' : 'kept', count: unsent.length };
  }

  /** True if they are to be sent. */
  async #askAboutOld(old: readonly Unsent[]): Promise<boolean> {
    const [first] = old;
    const [last] = old.slice(-1);
    if (first === undefined || last === undefined) return false;
    this.#person.tell(`${count(old.length)} of an earlier day not sent:`);
    for (const { at, to, text } of first === last ? [first] : [first, last]) {
      this.#person.tell(
        `  ${formatMoment(momentOf(at))}  to ${to}: ${shorten(printable(text), SHOWN_CHARACTERS)}`,
      );
    }
    if (old.some(({ wasSent }) => wasSent)) this.#person.tell('  (some may have arrived already)');
    for (;;) {
      const typed = (await this.#person.consult('Send, drop, or ask again next time? [ask]: '))
        ?.trim()
        .toLowerCase();
      if (typed === undefined || 'ask'.startsWith(typed)) {
        this.#isOldLeft = true;
        return false;
      }
      if ('send'.startsWith(typed)) return true;
      if ('drop'.startsWith(typed)) return false;
    }
  }
}

function count(messages: number): string {
  return messages === 1 ? '1 message' : `${messages} messages`;
}
