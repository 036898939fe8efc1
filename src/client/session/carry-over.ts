/** Unsent messages that one run of the client leaves for the next, and the questions the user is asked about them. */

import { printable, shorten } from '../../common/printable.ts';
import type { ReaderLink } from '../reader/reader-link.ts';
import { formatDate, toDate } from '../terminal/local-time.ts';
import type { Person } from '../terminal/startup-questions.ts';
import type { Credentials } from './login.ts';
import { PENDING_LIMIT, type Unsent } from './send-queue.ts';
import type { Session } from './session.ts';
import { UnsentStore } from './unsent-store.ts';

/** What happened to the messages that were not stored when the client ended. */
export type UnsentOutcome =
  | { readonly type: 'kept' | 'dropped'; readonly count: number }
  /** The messages are gone and the user was not asked. `text` says why saving failed, if it was attempted. */
  | { readonly type: 'lost'; readonly count: number; readonly text?: string };

/**
 * Messages older than this, in ms, are sent only after asking. The server remembers a key for 24 hours, so an older
 * message could be stored twice; the user may also no longer want it.
 */
const FRESH_MS = 23 * 60 * 60 * 1_000;
/** How long quitting waits for the server before asking the user, in ms. */
const ACKNOWLEDGE_MS = 3_000;
/** How long the replay may take at the start, in ms. */
const REPLAY_MS = 10_000;
type QuitChoice = 'keep' | 'drop' | 'stay';
const QUIT = /^\/?(q|quit|exit)$/;

/** How many characters of a message a question repeats. */
const SHOWN_CHARACTERS = 60;

export class CarryOver {
  readonly #session: Session;
  readonly #readerLink: ReaderLink;
  readonly #person: Person;
  /** Undefined for guests: when a guest reconnects, the server treats it as a different user. */
  #store: UnsentStore | undefined;
  #hasEntered = false;
  /** The user has chosen to drop the unsent messages. */
  #isDropping = false;
  /** The user wants to be asked about the old messages again next time. */
  #isOldKept = false;
  /** Also saves the messages when the process crashes. */
  readonly #exit = (): void => void this.finish(this.#session.sendQueue.unsent);

  constructor(session: Session, readerLink: ReaderLink, person: Person) {
    this.#session = session;
    this.#readerLink = readerLink;
    this.#person = person;
  }

  /** Call before each login, because the replay may contain messages that the server has stored in the meantime. */
  prepare(credentials: Credentials): void {
    this.#store = undefined;
    this.#session.sendQueue.restore([]);
    if (credentials.type === 'guest') return;
    this.#store = new UnsentStore(this.#session.address, credentials.user);
    const { messages, problems } = this.#store.load();
    for (const problem of problems) this.#person.print(problem);
    this.#session.sendQueue.restore(messages);
    this.#readerLink.recognise(messages.map(({ key }) => key));
  }

  /** Call after the login. Returns the messages to send now, in order. */
  async begin(): Promise<readonly Unsent[]> {
    this.#hasEntered = true;
    process.once('exit', this.#exit);
    const { sendQueue } = this.#session;
    if (sendQueue.unsent.length === 0) {
      this.#store?.save([]);
      return [];
    }
    await this.#session.whenLive(REPLAY_MS);
    const messages = sendQueue.restored;
    const now = Date.now();
    const isFresh = ({ at }: Unsent): boolean => at <= now && now - at < FRESH_MS;
    const old = messages.filter((message) => !isFresh(message));
    const sendsOld = old.length > 0 && (await this.#askAboutOld(old));
    const wanted = sendsOld ? messages : messages.filter(isFresh);
    const sent = wanted.slice(0, PENDING_LIMIT);
    this.#store?.setAside([...(this.#isOldKept ? old : []), ...wanted.slice(PENDING_LIMIT)]);
    sendQueue.forget(messages.filter((message) => !sent.includes(message)));
    const kept = this.#store?.save(sent);
    if (kept?.type === 'failed') this.#person.print(`unsent messages cannot be saved: ${kept.text}`);
    if (sent.length > 0) this.#person.print(`sending ${count(sent.length)} from the last run`);
    return sent;
  }

  /** Whether to exit now. Asks the user if exiting would leave messages behind. */
  async confirmQuit(): Promise<boolean> {
    const { sendQueue, state } = this.#session;
    if (state.type === 'online') await sendQueue.whenEmpty(ACKNOWLEDGE_MS);
    while (sendQueue.size > 0) {
      const choice = await this.#askHowToQuit(sendQueue.size);
      if (choice === 'stay') return false;
      this.#isDropping = choice === 'drop';
      const kept = this.#isDropping ? undefined : this.#store?.save(sendQueue.unsent);
      if (kept?.type !== 'failed') return true;
      this.#person.print(`the messages cannot be saved: ${kept.text}`);
    }
    return true;
  }

  /** Quitting again in answer to the question counts as yes. */
  async #askHowToQuit(waiting: number): Promise<QuitChoice> {
    const canKeep = this.#store !== undefined;
    const choices: readonly QuitChoice[] = canKeep ? ['keep', 'drop', 'stay'] : ['drop', 'stay'];
    const fallback: QuitChoice = canKeep ? 'keep' : 'stay';
    const question = canKeep
      ? `${count(waiting)} not sent yet: keep for the next start, drop, or stay? [keep]: `
      : `${count(waiting)} not sent yet: drop and quit, or stay? [stay]: `;
    for (;;) {
      const typed = (await this.#person.askOptional(question))?.trim().toLowerCase();
      if (typed === '') return fallback;
      if (typed === undefined || QUIT.test(typed)) return canKeep ? 'keep' : 'drop';
      const choice = choices.find((known) => known.startsWith(typed));
      if (choice !== undefined) return choice;
    }
  }

  /** The hint printed after the first Ctrl-C. */
  get warning(): string {
    const { size } = this.#session.sendQueue;
    if (size === 0) return '(Ctrl-C again quits)';
    const action = this.#store === undefined ? 'drops' : 'keeps for the next start';
    return `(Ctrl-C again quits, and ${action} ${count(size)} not sent yet)`;
  }

  /** Saves the unsent messages, or deletes the saved ones if none are left. Call when nothing more will be sent. */
  finish(unsent: readonly Unsent[]): UnsentOutcome {
    process.off('exit', this.#exit);
    const messages = this.#isDropping ? [] : unsent;
    // A run that never logged in leaves the saved messages untouched.
    if (!this.#hasEntered) return { type: 'dropped', count: 0 };
    if (this.#store === undefined)
      return { type: this.#isDropping ? 'dropped' : 'lost', count: unsent.length };
    const kept = this.#store.save(messages);
    if (kept.type === 'failed' && unsent.length > 0) {
      return { type: 'lost', count: unsent.length, text: kept.text };
    }
    return { type: this.#isDropping ? 'dropped' : 'kept', count: unsent.length };
  }

  /** True if the user wants to send them. */
  async #askAboutOld(old: readonly Unsent[]): Promise<boolean> {
    const [first] = old;
    const [last] = old.slice(-1);
    if (first === undefined || last === undefined) return false;
    this.#person.print(`${count(old.length)} from an earlier day not sent:`);
    for (const { at, to, text } of first === last ? [first] : [first, last]) {
      this.#person.print(
        `  ${formatDate(toDate(at))}  to ${to}: ${shorten(printable(text), SHOWN_CHARACTERS)}`,
      );
    }
    if (old.some(({ wasSent }) => wasSent)) this.#person.print('  (some may already have been delivered)');
    for (;;) {
      const typed = (await this.#person.askOptional('Send, drop, or ask again next time? [ask]: '))
        ?.trim()
        .toLowerCase();
      if (typed === undefined || 'ask'.startsWith(typed)) {
        this.#isOldKept = true;
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
