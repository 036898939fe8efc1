/** A chat client for tests: a real socket, frames in and out, and waits with deadlines. */

import { connect, type Socket } from 'node:net';
import { decodeBody, encodeFrame } from '../../src/protocol/codec.ts';
import { FrameDecoder } from '../../src/protocol/frame.ts';

const TIMEOUT_MS = 20_000;

export type Frame = readonly unknown[];

export class TestClient {
  readonly socket: Socket;
  /** Everything received that is not an answer, oldest first. */
  readonly events: Frame[] = [];
  readonly answers = new Map<unknown, Frame>();
  isClosed = false;
  #nextId = 1;
  readonly #watchers = new Set<() => void>();

  static async connect(address: string): Promise<TestClient> {
    const url = new URL(`tcp://${address}`);
    const socket = connect({
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: Number(url.port),
      noDelay: true,
    });
    await new Promise((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return new TestClient(socket);
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

  constructor(socket: Socket) {
    this.socket = socket;
    const decoder = new FrameDecoder(65_536);
    socket.on('data', (chunk: Buffer) => {
      decoder.push(chunk);
      for (let next = decoder.next(); next.type !== 'more'; next = decoder.next()) {
        if (next.type === 'fault') throw new Error(`the server sent a bad frame: ${next.fault}`);
        this.#take(decodeBody(next.body) ?? ['undecodable']);
      }
      this.#notify();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.isClosed = true;
      this.#notify();
    });
  }

  /** Sends a request without waiting; returns its id. */
  request(verb: string, ...values: unknown[]): number {
    const id = this.#nextId;
    this.#nextId += 1;
    this.socket.write(encodeFrame([verb, id, ...values]));
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

  /** The result of a request that must succeed. */
  async ok(verb: string, ...values: unknown[]): Promise<unknown> {
    const answer = await this.call(verb, ...values);
    if (answer[0] !== 'ok') throw new Error(`${verb} was refused: ${JSON.stringify(answer)}`);
    return answer[2];
  }

  /** Logs in, and is live: until then the server holds back what is asked. */
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

  /** The first event that fits, among those received and those to come. */
  async event(
    name: string,
    fits: (event: Frame) => boolean = () => true,
    timeoutMs = TIMEOUT_MS,
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

  until(condition: () => boolean, what: string, timeoutMs = TIMEOUT_MS): Promise<void> {
    if (condition()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const check = (): void => {
        if (!condition()) return;
        clearTimeout(deadline);
        this.#watchers.delete(check);
        resolve();
      };
      const deadline = setTimeout(() => {
        this.#watchers.delete(check);
        const seen = JSON.stringify(this.events.slice(-5));
        reject(
          new Error(`no ${what} within ${timeoutMs} ms (closed: ${this.isClosed}, last events: ${seen})`),
        );
      }, timeoutMs);
      this.#watchers.add(check);
    });
  }

  #take(frame: Frame): void {
    if (frame[0] === 'ok' || frame[0] === 'error') this.answers.set(frame[1], frame);
    else this.events.push(frame);
  }

  #notify(): void {
    for (const check of [...this.#watchers]) check();
  }
}
