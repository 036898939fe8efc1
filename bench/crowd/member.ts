/** One of a crowd: comes in, says nothing, and comes back to where it was. It keeps no more of what it gets than its last id. */

import type { Connection, Endpoint, Past, Visitor, WireHandler } from '../../src/load/wires/client-wire.ts';
import { parleyWire } from '../../src/load/wires/parley.ts';

/** What one waits that could not connect, or was told `busy`; in milliseconds, and up to twice as long. */
const RETRY_MS = 250;

export class Member implements WireHandler {
  readonly #visitor: Visitor;
  readonly #from: string | undefined;
  #connection: Connection | undefined;
  #past: Past | undefined;
  #live = (): void => {};
  #gone = (): void => {};
  /** Tries that came to nothing. */
  failures = 0;

  constructor(visitor: Visitor, from: string | undefined) {
    this.#visitor = visitor;
    this.#from = from;
  }

  /** Resolves when it is in and has everything that it missed. Tries again until it is. */
  async comeIn(endpoint: Omit<Endpoint, 'from'>): Promise<void> {
    while (!(await this.#tryToComeIn({ ...endpoint, from: this.#from }))) {
      this.failures += 1;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS * (1 + Math.random())));
    }
  }

  async #tryToComeIn(endpoint: Endpoint): Promise<boolean> {
    try {
      const isLive = new Promise<boolean>((resolve) => {
        this.#live = () => resolve(true);
        this.#gone = () => resolve(false);
      });
      const connection = await parleyWire.connect(endpoint, this);
      this.#connection = connection;
      const entered = await connection.enter(this.#visitor, this.#past);
      if (entered.type === 'in') return await isLive;
      if (entered.type === 'refused') throw new Error(`${this.#visitor.name}: ${entered.code}`);
      connection.destroy();
      return false;
    } catch (error) {
      if (error instanceof Error && 'code' in error) return false;
      throw error;
    }
  }

  async join(room: string): Promise<void> {
    if (!(await this.#connection?.join(room))) throw new Error(`${this.#visitor.name} cannot join ${room}`);
  }

  /** Ends its connection at once. */
  leave(): void {
    this.#connection?.destroy();
  }

  came(): void {}

  message(): void {}

  acknowledged(): void {}

  refused(): void {}

  unasked(): void {}

  live(): void {
    this.#live();
  }

  closed(): void {
    this.#past = this.#connection?.past();
    this.#connection = undefined;
    this.#gone();
  }
}
