/**
 * One connection to the server. Passes incoming bytes to the reader, matches answers to requests, and checks that the
 * server is alive. It ends once, for one reason, after the reader has processed everything that arrived.
 */

import { connect, type Socket } from 'node:net';
import { type Address, formatAddress } from '../../common/address.ts';
import { encodeFrame } from '../../protocol/codec.ts';
import type { GivenArguments, Verb } from '../../protocol/verbs.ts';
import type { Event } from '../../protocol/vocabulary.ts';
import type { FromReader, ReaderLink } from '../reader/reader-link.ts';
import { Keepalive } from './keepalive.ts';
import { type Credentials, type LoginOutcome, logIn, type ResumePoint } from './login.ts';
import type { PendingRequests, Response } from './requests.ts';
import { readClocks } from './sleep.ts';

const CONNECT_MS = 10_000;
const TICK_MS = 1_000;

const PROTOCOL_ERROR = 'the server sent a message that violates the protocol';

/** Messages from the reader about a connection. */
export type StreamMessage = Extract<FromReader, { type: 'frames' | 'protocol_error' | 'ended' }>;

export interface ConnectionOptions {
  /** Unique within the session. */
  readonly number: number;
  readonly address: Address;
  readonly credentials: Credentials;
  readonly readerLink: ReaderLink;
  readonly requests: PendingRequests;
}

export class Connection {
  readonly #options: ConnectionOptions;
  readonly #socket: Socket;
  readonly #opened: Promise<boolean>;
  readonly #drained = Promise.withResolvers<void>();
  readonly #live = Promise.withResolvers<boolean>();
  readonly #keepalive = new Keepalive(readClocks());
  #reason: string | undefined;
  #isLive = false;
  /** The last id reported to the server as seen. */
  #reportedSeen = 0;
  /** Resolves with the reason, for people, once everything is read and every request is settled. */
  readonly ended: Promise<string>;
  /** The `bye` event that the server sent before it closed the connection. */
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
      this.#keepalive.heard(performance.now());
      readerLink.push(chunk);
    });
    socket.on('error', (error) => {
      this.#reason ??= describeSocketError(error);
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
      options.requests.loseAll();
      return this.farewell?.[2] ?? this.#reason ?? 'the server closed the connection';
    });
  }

  /** Resolves with true when the replay is complete, or with false if the connection ends first. */
  get live(): Promise<boolean> {
    return this.#live.promise;
  }

  /** Logs in. Any outcome other than `logged_in` also ends the connection. */
  async logIn(resumePoint: ResumePoint): Promise<LoginOutcome> {
    const unavailable = async (): Promise<LoginOutcome> => ({
      type: 'unavailable',
      text: `${formatAddress(this.#options.address)}: ${await this.ended}`,
    });
    if (!(await this.#opened)) return unavailable();
    const outcome = await logIn(
      (verb, ...values) => this.request(verb, ...values),
      this.#options.credentials,
      resumePoint,
    );
    if (outcome.type === 'logged_in') return outcome;
    if (outcome.type !== 'lost') this.close(outcome.type === 'refused' ? outcome.text : PROTOCOL_ERROR);
    if (outcome.type !== 'refused') return unavailable();
    await this.ended;
    return outcome;
  }

  /** Sends a frame whose answer carries this request id. */
  sendFrame(requestId: number, frame: Uint8Array, settle: (response: Response) => void): void {
    const now = performance.now();
    this.#options.requests.expect(requestId, now, settle);
    this.#keepalive.sent(now);
    if (this.#socket.writable) this.#socket.write(frame);
  }

  request<V extends Verb>(verb: V, ...values: GivenArguments<V>): Promise<Response> {
    return new Promise((resolve) => {
      const requestId = this.#options.requests.nextId();
      this.sendFrame(requestId, encodeFrame([verb, requestId, ...values]), resolve);
    });
  }

  /** Handles what the reader decoded. Messages about other connections are ignored. */
  receive(message: StreamMessage): void {
    if (message.connection !== this.#options.number) return;
    switch (message.type) {
      case 'frames':
        for (const answer of message.answers) {
          this.#options.requests.answer(answer);
          if (answer.type === 'error' && answer.requestId === null) this.#showError(answer.text);
        }
        for (const event of message.events) {
          if (event[0] === 'bye') this.farewell = event;
          if (event[0] === 'live') this.#goLive();
        }
        return;
      case 'protocol_error':
        this.protocolError(message.text);
        return;
      case 'ended':
        this.#drained.resolve();
        return;
      default:
        message satisfies never;
    }
  }

  /**
   * Reports to the server the id up to which the display is complete, if it has advanced. Not during a replay: if the
   * client restarts in the middle of one, it must get the whole replay again.
   */
  reportSeen(): void {
    const { readerLink, credentials } = this.#options;
    if (!this.#isLive || credentials.type === 'guest' || readerLink.cursor <= this.#reportedSeen) return;
    this.#reportedSeen = readerLink.cursor;
    void this.request('seen', this.#reportedSeen);
  }

  /** Closes the connection because the server violated the protocol, and shows the error in the display. */
  protocolError(text: string = PROTOCOL_ERROR): void {
    this.#showError(`connection closed: ${text}`);
    this.close(text);
  }

  /** Closes the connection at once. `reason` is for people. */
  close(reason: string): void {
    this.#reason ??= reason;
    this.#socket.destroy();
  }

  #goLive(): void {
    this.#isLive = true;
    this.#live.resolve(true);
  }

  #showError(text: string): void {
    this.#options.readerLink.show({ type: 'notice', level: 'error', at: Date.now(), text });
  }

  #tick(): void {
    this.reportSeen();
    if (this.#options.readerLink.isPaused) this.#keepalive.heard(performance.now());
    const verdict = this.#keepalive.check(readClocks(), this.#options.requests.oldestRequestAt);
    if (verdict === 'ping') void this.request('ping');
    else if (verdict === 'lost') this.close('the server does not answer');
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'no server is listening there',
  ENOTFOUND: 'no host has that name',
  EAI_AGAIN: 'the host name cannot be resolved right now; check the network',
  ETIMEDOUT: 'the server does not answer',
  EHOSTUNREACH: 'the host is unreachable',
  ENETUNREACH: 'the network is unreachable',
  ECONNRESET: 'the connection was reset',
  EPIPE: 'the connection was reset',
};

/** Describes a socket error for people. When all addresses of a host name fail, Node reports one error with a code. */
export function describeSocketError(error: Error): string {
  const code = 'code' in error ? String(error.code) : '';
  return REASONS[code] ?? (error.message || code);
}
