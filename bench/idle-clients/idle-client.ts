/** A client that logs in, sends nothing, and can resume its session. It keeps only the last id of what it receives. */

import type {
  Connection,
  Credentials,
  Endpoint,
  ResumePoint,
  WireHandler,
} from '../../src/load/wires/client-wire.ts';
import { parleyWire } from '../../src/load/wires/parley.ts';

/** The minimum wait before a retry, in milliseconds; the actual wait is random and up to twice as long. */
const RETRY_MS = 250;

export class IdleClient implements WireHandler {
  readonly #credentials: Credentials;
  readonly #from: string | undefined;
  #connection: Connection | undefined;
  #resumePoint: ResumePoint | undefined;
  #live = (): void => {};
  #closed = (): void => {};
  /** Failed attempts to log in. */
  failures = 0;

  constructor(credentials: Credentials, from: string | undefined) {
    this.#credentials = credentials;
    this.#from = from;
  }

  /** Resolves when the client is online and has received everything that it missed. Retries until it succeeds. */
  async connect(endpoint: Omit<Endpoint, 'from'>): Promise<void> {
    while (!(await this.#tryToConnect({ ...endpoint, from: this.#from }))) {
      this.failures += 1;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS * (1 + Math.random())));
    }
  }

  async #tryToConnect(endpoint: Endpoint): Promise<boolean> {
    try {
      const isLive = new Promise<boolean>((resolve) => {
        this.#live = () => resolve(true);
        this.#closed = () => resolve(false);
      });
      const connection = await parleyWire.connect(endpoint, this);
      this.#connection = connection;
      const result = await connection.login(this.#credentials, this.#resumePoint);
      if (result.type === 'ok') return await isLive;
      if (result.type === 'refused') throw new Error(`${this.#credentials.name}: ${result.code}`);
      connection.destroy();
      return false;
    } catch (error) {
      if (error instanceof Error && 'code' in error) return false;
      throw error;
    }
  }

  async join(room: string): Promise<void> {
    if (!(await this.#connection?.join(room)))
      throw new Error(`${this.#credentials.name} cannot join ${room}`);
  }

  /** Cuts the connection. */
  disconnect(): void {
    this.#connection?.destroy();
  }

  readStarted(): void {}

  message(): void {}

  acknowledged(): void {}

  refused(): void {}

  unexpected(): void {}

  live(): void {
    this.#live();
  }

  closed(): void {
    this.#resumePoint = this.#connection?.resumePoint();
    this.#connection = undefined;
    this.#closed();
  }
}
