/** One connection to a server, as a program has it: frames in the order in which they come. */

import { connect, type Socket } from 'node:net';
import { decodeBody, encodeFrame } from '../../src/transport/codec.ts';
import { FrameDecoder } from '../../src/transport/frame.ts';
import { DEADLINE_MS } from '../support/process.ts';

export type Frame = readonly unknown[];

export interface LinkHandler {
  frame(frame: Frame): void;
  ended(): void;
}

export class Link {
  readonly #socket: Socket;
  #nextId = 1;
  #isOver = false;

  /**
   * Undefined if nobody listens. `from` is the local address, of 127.0.0.0/8: the server counts failed logins by
   * address.
   */
  static open(port: number, handler: LinkHandler, from = '127.0.0.1'): Promise<Link | undefined> {
    return new Promise((resolve) => {
      const socket = connect({ host: '127.0.0.1', port, localAddress: from, noDelay: true });
      socket.once('error', () => resolve(undefined));
      socket.once('connect', () => resolve(new Link(socket, handler)));
    });
  }

  constructor(socket: Socket, handler: LinkHandler) {
    this.#socket = socket;
    const decoder = new FrameDecoder(65_536);
    socket.on('data', (chunk: Buffer) => {
      decoder.push(chunk);
      for (let next = decoder.next(); next.type !== 'more'; next = decoder.next()) {
        if (next.type === 'fault') throw new Error(`the server sent a bad frame: ${next.fault}`);
        const frame = decodeBody(next.body);
        if (frame === undefined) throw new Error(`the server sent a bad body: ${next.body.toString('hex')}`);
        if (!this.#isOver) handler.frame(frame);
      }
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#isOver = true;
      handler.ended();
    });
  }

  /** Sends a request; its id. */
  request(verb: string, ...values: readonly unknown[]): number {
    const id = this.#nextId;
    this.#nextId += 1;
    if (!this.#socket.destroyed) this.#socket.write(encodeFrame([verb, id, ...values]));
    return id;
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

/** A link for one question after the other. */
export class Asker {
  readonly #waiting = new Map<unknown, (answer: Frame | undefined) => void>();
  readonly events: Frame[] = [];
  #link: Link | undefined;
  #isOver = false;

  static async open(port: number, from?: string): Promise<Asker> {
    const asker = new Asker();
    asker.#link = await Link.open(port, asker, from);
    if (asker.#link === undefined) throw new Error(`nobody listens on port ${port}`);
    return asker;
  }

  /** The answer; undefined if the connection ended before there was one. */
  ask(verb: string, ...values: readonly unknown[]): Promise<Frame | undefined> {
    const { promise, resolve, reject } = Promise.withResolvers<Frame | undefined>();
    if (this.#isOver || this.#link === undefined) return Promise.resolve(undefined);
    const deadline = setTimeout(
      () => reject(new Error(`no answer to ${verb} in ${DEADLINE_MS} ms`)),
      DEADLINE_MS,
    );
    this.#waiting.set(this.#link.request(verb, ...values), (answer) => {
      clearTimeout(deadline);
      resolve(answer);
    });
    return promise;
  }

  /** The result of a request that must succeed. */
  async ok(verb: string, ...values: readonly unknown[]): Promise<unknown> {
    const answer = await this.ask(verb, ...values);
    if (answer?.[0] === 'ok') return answer[2];
    throw new Error(`${verb} ${JSON.stringify(values)} was refused: ${JSON.stringify(answer ?? 'the end')}`);
  }

  frame(frame: Frame): void {
    if (frame[0] !== 'ok' && frame[0] !== 'error') {
      this.events.push(frame);
      return;
    }
    this.#waiting.get(frame[1])?.(frame);
    this.#waiting.delete(frame[1]);
  }

  ended(): void {
    this.#isOver = true;
    for (const settle of this.#waiting.values()) settle(undefined);
    this.#waiting.clear();
  }

  destroy(): void {
    this.#link?.destroy();
  }
}
