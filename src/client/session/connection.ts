/**
 * One connection to the server: a socket whose bytes go to the reader, requests whose answers come back from
 * there, and a watch over its silence. Ends once, for one reason, when the reader has read all that it brought.
 */

import { connect, type Socket } from 'node:net';
import { type Address, formatAddress } from '../../common/address.ts';
import { encodeFrame } from '../../protocol/codec.ts';
import type { GivenArguments, Verb } from '../../protocol/verbs.ts';
import type { Event } from '../../protocol/vocabulary.ts';
import type { FromReader, ReaderLink } from '../reader/reader-link.ts';
import { Watchdog } from './keepalive.ts';
import { type Credentials, type Entry, logIn, type Return } from './login.ts';
import type { Requests, Response } from './requests.ts';
import { readClocks } from './sleep.ts';

const CONNECT_MS = 10_000;
const TICK_MS = 1_000;

const UNTRUSTED = 'the server sent what the protocol does not allow';

/** What the reader says about a connection. */
export type FromStream = Extract<FromReader, { type: 'frames' | 'untrusted' | 'ended' }>;

export interface ConnectionOptions {
  /** Tells the connections of one session apart. */
  readonly number: number;
  readonly address: Address;
  readonly credentials: Credentials;
  readonly readerLink: ReaderLink;
  readonly requests: Requests;
}

export class Connection {
  readonly #options: ConnectionOptions;
  readonly #socket: Socket;
  readonly #opened: Promise<boolean>;
  readonly #drained = Promise.withResolvers<void>();
  readonly #live = Promise.withResolvers<boolean>();
  readonly #watchdog = new Watchdog(readClocks());
  #reason: string | undefined;
  #isLive = false;
  /** Up to where the server has been told that the display has everything. */
  #told = 0;
  /** Resolves with the reason, for people, when nothing more comes and every request is settled. */
  readonly ended: Promise<string>;
  /** What the server said before it closed the connection. */
  farewell: Extract<Event, readonly ['bye', ...unknown[]]> | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    const { number, address, credentials, readerLink } = options;
    const socket = connect({ host: address.host, port: address.port, noDelay: true });
    this.#socket = socket;
    const deadline = setTimeout(() => this.close(`no connection within ${CONNECT_MS / 1_000} s`), CONNECT_MS);
    const ticking = setInterval(() => this.#tick(), TICK_MS);
    readerLink.begin(number, credentials.user, {
      pause: () => socket.pause(),
      resume: () => socket.resume(),
    });
    socket.on('data', (chunk: Buffer) => {
      this.#watchdog.heard(performance.now());
      readerLink.push(chunk);
    });
    socket.on('error', (error) => {
      this.#reason ??= explain(error);
    });
    const closed = new Promise<void>((resolve) => {
      socket.once('close', () => {
        clearTimeout(deadline);
        clearInterval(ticking);
        readerLink.end(number);
        resolve();
      });
    });
    this.#opened = Promise.race([
      new Promise<true>((resolve) => socket.once('connect', () => resolve(true))),
      closed.then(() => false),
    ]);
    void this.#opened.then(() => clearTimeout(deadline));
    this.ended = Promise.all([closed, this.#drained.promise]).then(() => {
      this.#live.resolve(false);
      options.requests.lose();
      return this.farewell?.[2] ?? this.#reason ?? 'the server closed the connection';
    });
  }

  /** Resolves with true when what was missed has come, and with false if the connection ends before. */
  get live(): Promise<boolean> {
    return this.#live.promise;
  }

  /** Comes in. Anything but `entered` also ends the connection. */
  async enter(back: Return): Promise<Entry> {
    const unavailable = async (): Promise<Entry> => ({
      type: 'unavailable',
      text: `${formatAddress(this.#options.address)}: ${await this.ended}`,
    });
    if (!(await this.#opened)) return unavailable();
    const entered = await logIn(
      (verb, ...values) => this.ask(verb, ...values),
      this.#options.credentials,
      back,
    );
    if (entered.type === 'entered') return entered;
    if (entered.type !== 'lost') this.close(entered.type === 'refused' ? entered.text : UNTRUSTED);
    if (entered.type !== 'refused') return unavailable();
    await this.ended;
    return entered;
  }

  /** Sends a frame that expects an answer of this id. */
  request(requestId: number, frame: Uint8Array, settle: (response: Response) => void): void {
    const now = performance.now();
    this.#options.requests.expect(requestId, now, settle);
    this.#watchdog.sent(now);
    if (this.#socket.writable) this.#socket.write(frame);
  }

  ask<V extends Verb>(verb: V, ...values: GivenArguments<V>): Promise<Response> {
    return new Promise((resolve) => {
      const requestId = this.#options.requests.nextId();
      this.request(requestId, encodeFrame([verb, requestId, ...values]), resolve);
    });
  }

  /** What the reader found in the bytes. Messages about other connections are passed over. */
  receive(message: FromStream): void {
    if (message.connection !== this.#options.number) return;
    switch (message.type) {
      case 'frames':
        for (const answer of message.answers) {
          this.#options.requests.answer(answer);
          if (answer.type === 'error' && answer.requestId === null) this.#complain(answer.text);
        }
        for (const event of message.events) {
          if (event[0] === 'bye') this.farewell = event;
          if (event[0] === 'live') this.#goLive();
        }
        return;
      case 'untrusted':
        this.distrust(message.text);
        return;
      case 'ended':
        this.#drained.resolve();
        return;
      default:
        message satisfies never;
    }
  }

  /**
   * Tells the server up to where the display has everything, if that has moved. Not during a replay: who starts anew in
   * the midst of it is to get all of it again.
   */
  tellSeen(): void {
    const { readerLink, credentials } = this.#options;
    if (!this.#isLive || credentials.type === 'guest' || readerLink.cursor <= this.#told) return;
    this.#told = readerLink.cursor;
    void this.ask('seen', this.#told);
  }

  /** Ends it because of what the server sent, and says so in the display. */
  distrust(text: string = UNTRUSTED): void {
    this.#complain(`the connection was ended: ${text}`);
    this.close(text);
  }

  /** Ends it at once. `reason` is for people. */
  close(reason: string): void {
    this.#reason ??= reason;
    this.#socket.destroy();
  }

  #goLive(): void {
    this.#isLive = true;
    this.#live.resolve(true);
  }

  #complain(text: string): void {
    this.#options.readerLink.show({ type: 'notice', level: 'error', at: Date.now(), text });
  }

  #tick(): void {
    this.tellSeen();
    if (this.#options.readerLink.isPaused) this.#watchdog.heard(performance.now());
    const verdict = this.#watchdog.check(readClocks(), this.#options.requests.askedAt);
    if (verdict === 'ping') void this.ask('ping');
    else if (verdict === 'lost') this.close('the server does not answer');
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'no server is listening there',
  ENOTFOUND: 'there is no host of that name',
  EAI_AGAIN: 'the name of the host cannot be looked up right now',
  ETIMEDOUT: 'it does not answer',
  EHOSTUNREACH: 'there is no way to that host',
  ENETUNREACH: 'there is no way to that network',
  ECONNRESET: 'the connection was reset',
  EPIPE: 'the connection was reset',
};

/** What went wrong with a socket. The addresses of one name fail together, as one error with a code. */
export function explain(error: Error): string {
  const code = 'code' in error ? String(error.code) : '';
  return REASONS[code] ?? (error.message || code);
}
