/** A running server that many runs use one after the other, with a supply of unused accounts. */

import { until } from '../../support/process.ts';
import { type RunningServer, startServer } from '../../support/server.ts';
import { writeCheapUsers } from '../accounts/cheap-accounts.ts';

export interface SharedServerOptions {
  /** The data folder. */
  readonly data: string;
  readonly workers: number;
  /** The number of accounts. */
  readonly people: number;
  /** Further arguments of `serve`. */
  readonly args: readonly string[];
}

/** The server gives up if one thread dies more than this often within the time. */
const DEATHS = 2;
const WITHIN_MS = 5_500;

/** Log lines that report a fault of the server, other than a thread killed on purpose. */
const FAULT = /connection\.failed|thread\.gave_up|archive\.failed|"reason":\{"type":"(failed|normal)"/;

export class SharedServer {
  readonly workers: number;
  readonly data: string;
  readonly port: number;
  readonly #server: RunningServer;
  readonly #people: string[];
  readonly #deaths = new Map<string, number[]>();
  #linesRead = 0;

  static async open({ data, workers, people, args }: SharedServerOptions): Promise<SharedServer> {
    const names = Array.from({ length: people }, (_, i) => `person-${i}`);
    writeCheapUsers(data, names);
    const standing = ['--guests', '--commands-per-second', '0', '--log-level', 'warn'];
    const server = await startServer({
      data,
      args: [...standing, '--workers', String(workers), ...args],
    });
    return new SharedServer(server, data, workers, names);
  }

  constructor(server: RunningServer, data: string, workers: number, people: string[]) {
    this.workers = workers;
    this.data = data;
    this.port = server.port;
    this.#server = server;
    this.#people = people;
  }

  /** The name of an unused account. */
  take(): string {
    const name = this.#people.pop();
    if (name === undefined) throw new Error('there are no accounts left');
    return name;
  }

  /** Waits until each of these threads may die twice. */
  async rest(threads: readonly string[]): Promise<void> {
    const latest = Math.max(0, ...threads.flatMap((thread) => this.#deaths.get(thread) ?? []));
    const wait = latest === 0 ? 0 : latest + WITHIN_MS - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
  }

  /** Kills a thread if it is running and the server can bear it. Returns whether it did. */
  crash(thread: string): boolean {
    const now = performance.now();
    const deaths = this.#deaths.get(thread) ?? [];
    if (this.#restarts(thread) < deaths.length) return false;
    if (deaths.filter((at) => now - at < WITHIN_MS).length >= DEATHS) return false;
    this.#deaths.set(thread, [...deaths, now]);
    this.#server.crash(thread);
    return true;
  }

  /** Waits until all killed threads are running again. */
  async restored(): Promise<void> {
    const isUp = (): boolean =>
      [...this.#deaths].every(([thread, { length }]) => this.#restarts(thread) >= length);
    await until('all threads to be back', isUp, { state: this.#server.stderr });
  }

  #restarts(thread: string): number {
    return (
      this.#server.stderr().split(`"thread.restarted","type":"restarted","child":"${thread}"`).length - 1
    );
  }

  /** New log lines that report a fault. */
  faults(): string[] {
    const lines = this.#server.stderr().split('\n');
    const fresh = lines.slice(this.#linesRead, -1);
    this.#linesRead += fresh.length;
    return fresh.filter((line) => FAULT.test(line));
  }

  get isUp(): boolean {
    return this.#server.child.exitCode === null && this.#server.child.signalCode === null;
  }

  /** The server's log. */
  get log(): string {
    return this.#server.stderr();
  }

  /** Stops the server. Undefined if it exited cleanly. */
  async close(): Promise<string | undefined> {
    const { code, signal } = await this.#server.stop();
    return code === 0 ? undefined : `the server ended with ${code ?? signal}`;
  }
}
