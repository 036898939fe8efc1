/** A chat client for tests: a real socket, frames in and out, and waits with deadlines. */

import { connect, type Socket } from 'node:net';
import { encodeFrame } from '../../src/protocol/codec.ts';
import { type Frame, frameReader } from './frames.ts';
import { DEADLINE_MS } from './process.ts';
import { Watchers } from './watchers.ts';

/** How a client puts frames into bytes, and reads them out of what comes. */
export interface ClientLanguage {
  encode(frame: Frame): Buffer;
  /** Takes the chunks of one connection, one after the other, and calls `take` for each frame. */
  reader(take: (frame: Frame) => void): (chunk: Buffer) => void;
}

const NATIVE: ClientLanguage = { encode: encodeFrame, reader: frameReader };

export class TestClient {
  readonly socket: Socket;
  readonly #language: ClientLanguage;
  /** Everything received that is not an answer, oldest first. */
  readonly events: Frame[] = [];
  readonly answers = new Map<unknown, Frame>();
  isClosed = false;
  #nextId = 1;
  readonly #watchers = new Watchers();

  /** `from` is the client's own address, in 127.0.0.0/8, because the server counts failed logins per address. */
  static async connect(address: string, from?: string, language?: ClientLanguage): Promise<TestClient> {
    const url = new URL(`tcp://${address}`);
    const socket = connect({
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: Number(url.port),
      noDelay: true,
      ...(from === undefined ? {} : { localAddress: from }),
    });
    await new Promise((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return new TestClient(socket, language);
  }

  /** Connected, registered and logged in. */
  static async register(address: string, user: string, password = `secret of ${user}`): Promise<TestClient> {
    const client = await TestClient.connect(address);
    await client.ok('register', user, password);
    await client.enter(user, password);
    return client;
  }

  static async login(address: string, user: string, password = `secret of ${user}`): Promise<TestClient> {
    const client = await TestClient.connect(address);
    await client.enter(user, password);
    return client;
  }

  constructor(socket: Socket, language: ClientLanguage = NATIVE) {
    this.socket = socket;
    this.#language = language;
    const read = language.reader((frame) => this.#take(frame));
    socket.on('data', (chunk: Buffer) => {
      read(chunk);
      this.#watchers.notify();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.isClosed = true;
      this.#watchers.notify();
    });
  }

  /** Sends a request without waiting; returns its id. */
  request(verb: string, ...values: unknown[]): number {
    const id = this.#nextId;
    this.#nextId += 1;
    this.socket.write(this.#language.encode([verb, id, ...values]));
    return id;
  }

  /** The answer to the request with that id. */
  async answer(id: number | null): Promise<Frame> {
    await this.until(() => this.answers.has(id), `an answer to request ${id}`);
    return this.answers.get(id) ?? [];
  }

  async call(verb: string, ...values: unknown[]): Promise<Frame> {
    return this.answer(this.request(verb, ...values));
  }

  /** The answer; undefined if the connection ended before it. */
  async ask(verb: string, ...values: readonly unknown[]): Promise<Frame | undefined> {
    const id = this.request(verb, ...values);
    await this.until(() => this.answers.has(id) || this.isClosed, `an answer to ${verb}`);
    return this.answers.get(id);
  }

  /** The result of a request that must succeed. */
  async ok(verb: string, ...values: unknown[]): Promise<unknown> {
    const answer = await this.ask(verb, ...values);
    if (answer?.[0] === 'ok') return answer[2];
    throw new Error(`${verb} was refused: ${JSON.stringify(answer ?? 'the connection ended')}`);
  }

  /** Logs in and waits until live: before that the server defers requests. */
  async enter(user: string, password = `secret of ${user}`): Promise<void> {
    await this.ok('login', user, password);
    await this.event('live');
  }

  /** The code of a request that must be refused. */
  async refused(verb: string, ...values: unknown[]): Promise<unknown> {
    const answer = await this.call(verb, ...values);
    if (answer[0] !== 'error') throw new Error(`${verb} was not refused: ${JSON.stringify(answer)}`);
    return answer[2];
  }

  /** The first matching event, among those received and those to come. */
  async event(
    name: string,
    fits: (event: Frame) => boolean = () => true,
    timeoutMs = DEADLINE_MS,
  ): Promise<Frame> {
    const find = (): Frame | undefined => this.events.find((e) => e[0] === name && fits(e));
    await this.until(() => find() !== undefined, `event ${name}`, timeoutMs);
    return find() ?? [];
  }

  messages(): Frame[] {
    return this.events.filter((event) => event[0] === 'message');
  }

  async closed(): Promise<void> {
    await this.until(() => this.isClosed, 'the end of the connection');
  }

  close(): void {
    this.socket.destroy();
  }

  until(condition: () => boolean, what: string, timeoutMs = DEADLINE_MS): Promise<void> {
    return this.#watchers.until(condition, timeoutMs, () => {
      const seen = JSON.stringify(this.events.slice(-5));
      return `no ${what} within ${timeoutMs} ms (closed: ${this.isClosed}, last events: ${seen})`;
    });
  }

  #take(frame: Frame): void {
    if (frame[0] === 'ok' || frame[0] === 'error') this.answers.set(frame[1], frame);
    else this.events.push(frame);
  }
}
