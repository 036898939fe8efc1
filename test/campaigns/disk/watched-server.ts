/** A server that is started and ended many times, always on the same port; none of its threads may die meanwhile. */

import { type RunningServer, startServer } from '../../support/server.ts';
import type { Findings } from '../campaign.ts';

export interface WatchedOptions {
  readonly data: string;
  readonly port: number;
  readonly workers: number;
  readonly env: Readonly<Record<string, string>>;
  readonly findings: Findings;
}

/** Of the log: a thread or a connection has ended that should not have. */
const DEATHS = ['"event":"thread.', '"event":"connection.failed'];

export class WatchedServer {
  readonly #options: WatchedOptions;
  #running: RunningServer | undefined;

  constructor(options: WatchedOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    this.#running = await this.#launch();
  }

  /** False if it refuses to, which it may while the disk fails. */
  async tryToStart(): Promise<boolean> {
    this.#running = await this.#launch().catch(() => undefined);
    return this.#running !== undefined;
  }

  /** Asks it to end, which it must do in order, disk or no disk. */
  async stop(): Promise<void> {
    const exit = await this.#running?.stop();
    if (exit?.code !== 0) this.#report(`stopped with ${exit?.code}: ${this.#stderr().slice(-2_000)}`);
    this.#lookForDeaths();
  }

  async kill(): Promise<void> {
    this.#lookForDeaths();
    await this.#running?.kill();
  }

  /** For the end of a campaign that was given up. */
  abandon(): void {
    this.#running?.child.kill('SIGKILL');
  }

  #launch(): Promise<RunningServer> {
    const { data, env, port, workers } = this.#options;
    const args = ['--port', String(port), '--workers', String(workers), '--guests', '--log-level', 'warn'];
    return startServer({ data, env, args: [...args, '--commands-per-second', '0'] });
  }

  #lookForDeaths(): void {
    const lines = this.#stderr().split('\n');
    const death = lines.find((line) => DEATHS.some((event) => line.includes(event)));
    if (death !== undefined) this.#report(death.slice(0, 2_000));
  }

  #stderr(): string {
    return this.#running?.stderr() ?? '';
  }

  #report(detail: string): void {
    this.#options.findings.report('died', detail);
  }
}
