/** A client that asks one question after the other, and keeps what else it is told. */

import { DEADLINE_MS } from '../../support/process.ts';
import { type Frame, Link } from './cuttable-connection.ts';

export class Asker {
  readonly #waiting = new Map<unknown, (answer: Frame | undefined) => void>();
  readonly events: Frame[] = [];
  #link: Link | undefined;

  static async open(port: number, from?: string): Promise<Asker> {
    const asker = new Asker();
    asker.#link = await Link.open(port, asker, { from });
    if (asker.#link === undefined) throw new Error(`nobody listens on port ${port}`);
    return asker;
  }

  /** The answer; undefined if the connection ended before there was one. */
  ask(verb: string, ...values: readonly unknown[]): Promise<Frame | undefined> {
    const id = this.#link?.request(verb, ...values);
    if (id === undefined) return Promise.resolve(undefined);
    return new Promise((resolve, reject) => {
      const late = (): void => reject(new Error(`no answer to ${verb} in ${DEADLINE_MS} ms`));
      const deadline = setTimeout(late, DEADLINE_MS);
      this.#waiting.set(id, (answer) => {
        clearTimeout(deadline);
        resolve(answer);
      });
    });
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
    for (const settle of this.#waiting.values()) settle(undefined);
    this.#waiting.clear();
  }

  destroy(): void {
    this.#link?.cut('close');
  }
}
