/** The server that a campaign kills: always the same folder and port, so that clients find it again. */

import { createServer } from 'node:net';
import { type Exit, runProcess } from '../../support/process.ts';
import { PARLEY, type RunningServer, startServer } from '../../support/server.ts';

export class Victim {
  readonly data: string;
  readonly port: number;
  readonly #args: readonly string[];
  #server: RunningServer | undefined;

  constructor(data: string, port: number, args: readonly string[]) {
    this.data = data;
    this.port = port;
    this.#args = ['--port', String(port), '--log-level', 'warn', ...args];
  }

  async start(): Promise<void> {
    this.#server = undefined;
    this.#server = await startServer({ data: this.data, args: this.#args });
  }

  get running(): RunningServer {
    if (this.#server === undefined) throw new Error('the server was not started');
    return this.#server;
  }

  /** The process, threads and all; nothing is waited for. */
  shoot(): void {
    this.running.child.kill('SIGKILL');
  }

  /** Also when it never came up. */
  async kill(): Promise<void> {
    await this.#server?.kill();
  }

  stop(): Promise<Exit> {
    return this.running.stop();
  }

  /** A start that is killed after so many ms, wherever it is then. */
  async startInVain(ms: number): Promise<void> {
    const args = [PARLEY, 'serve', '--data', this.data, ...this.#args];
    const server = runProcess(process.execPath, args, { stdio: 'ignore' });
    await new Promise((resolve) => setTimeout(resolve, ms));
    server.child.kill('SIGKILL');
    const { code, signal } = await server.exit();
    if (signal !== 'SIGKILL') throw new Error(`a start ended by itself, with ${code}`);
  }
}

/**
 * A port that nobody has, below those that the system gives away: a client that looks for a dead server there must not
 * get connected to itself.
 */
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
