/** A server that a campaign starts and ends many times, always on the same folder and port, so that clients find it again. */

import { createServer } from 'node:net';
import { type Exit, runProcess } from '../../support/process.ts';
import { PARLEY, type RunningServer, startServer } from '../../support/server.ts';

export interface CampaignServerOptions {
  readonly data: string;
  readonly port: number;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export class CampaignServer {
  readonly data: string;
  readonly port: number;
  readonly #args: readonly string[];
  readonly #env: Readonly<Record<string, string>>;
  #server: RunningServer | undefined;

  constructor({ data, port, args, env = {} }: CampaignServerOptions) {
    this.data = data;
    this.port = port;
    this.#args = ['--port', String(port), '--log-level', 'warn', ...args];
    this.#env = env;
  }

  async start(): Promise<void> {
    this.#server = undefined;
    this.#server = await startServer({ data: this.data, args: this.#args, env: this.#env });
  }

  /** False if the server refuses to start. */
  async tryToStart(): Promise<boolean> {
    await this.start().catch(() => {});
    return this.#server !== undefined;
  }

  get running(): RunningServer {
    if (this.#server === undefined) throw new Error('the server was not started');
    return this.#server;
  }

  /** Kills the whole process and does not wait. Does nothing if the server never came up. */
  shoot(): void {
    this.#server?.child.kill('SIGKILL');
  }

  /** Kills the server, if it came up, and waits until it is gone. */
  async kill(): Promise<void> {
    await this.#server?.kill();
  }

  stop(): Promise<Exit> {
    return this.running.stop();
  }

  /** Starts the server and kills it after `ms` milliseconds, however far it has come. */
  async startInVain(ms: number): Promise<void> {
    const args = [PARLEY, 'serve', '--data', this.data, ...this.#args];
    const server = runProcess(process.execPath, args, { stdio: 'ignore' });
    await new Promise((resolve) => setTimeout(resolve, ms));
    server.child.kill('SIGKILL');
    const { code, signal } = await server.exit();
    if (signal !== 'SIGKILL') throw new Error(`a start ended by itself, with ${code}`);
  }
}

/** A free port below the ephemeral range: a client that looks for a dead server there must not connect to itself. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    const probe = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      probe.once('error', () => resolve(false));
      probe.listen({ host: '127.0.0.1', port }, () => probe.close(() => resolve(true)));
    });
    if (isFree) return port;
  }
}
