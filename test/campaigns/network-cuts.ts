/**
 * Cuts networks silently, whatever the peer was doing. A peer behind the cut goes offline within the limit; a
 * peer that is there but does not read, or does not send, stays.
 */

import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { TestClient } from '../support/client.ts';
import { FarNetwork } from '../support/far-network.ts';
import { type RunningProcess, until } from '../support/process.ts';
import { type RunningServer, startServer } from '../support/server.ts';
import { type CampaignOptions, type CampaignResult, Findings } from './campaign.ts';

const FAR_CLIENT = fileURLToPath(new URL('../fixtures/far-client.ts', import.meta.url));
const ROOM = '#hall';
const LOOK_MS = 100;
/**
 * Fills the far receive buffer and part of the server's send buffer: the window closes, but the client is not
 * yet too slow.
 */
const FLOOD = Array.from({ length: 20 }, (_, i) => `${i} `.padEnd(8_000, '~'));

/** All in milliseconds. */
export interface Limits {
  /** Time from the cut until a peer must be offline. */
  readonly offlineMs: number;
  /**
   * How long the window of one peer has been closed when the network is cut. The kernel probes an older
   * closed window less often.
   */
  readonly closedMs: number;
  /**
   * Time from the cut until an idle peer is sent a message: just before the kernel would declare it dead as
   * idle.
   */
  readonly lateMs: number;
  readonly env: Readonly<Record<string, string>>;
}

export const REAL_LIMITS: Limits = { offlineMs: 180_000, closedMs: 300_000, lateMs: 75_000, env: {} };

interface Far {
  readonly name: string;
  readonly address: string;
  readonly process: RunningProcess;
}

export function cutNetworks(limits: Limits): (options: CampaignOptions) => Promise<CampaignResult> {
  return async (options) => {
    const network = new FarNetwork();
    const server = await startServer({
      data: `${options.folder}/data`,
      args: ['--host', '0.0.0.0', '--guests', '--workers', String(options.workers)],
      env: limits.env,
    });
    const cuts = new NetworkCuts(network, server, limits, options.log);
    try {
      return await cuts.run();
    } finally {
      await cuts.end();
      await server.stop();
      network.close();
    }
  };
}

class NetworkCuts {
  readonly #network: FarNetwork;
  readonly #server: RunningServer;
  readonly #limits: Limits;
  readonly #log: (text: string) => void;
  readonly #findings = new Findings('not offline in time', 'offline though alive', 'no reason in the log');
  readonly #figures: Record<string, number | string> = {};
  readonly #far: Far[] = [];

  constructor(network: FarNetwork, server: RunningServer, limits: Limits, log: (text: string) => void) {
    this.#network = network;
    this.#server = server;
    this.#limits = limits;
    this.#log = log;
  }

  async run(): Promise<CampaignResult> {
    const watcher = await TestClient.register(this.#address('127.0.0.1'), 'watcher');
    await watcher.ok('join', ROOM);
    const listener = await this.#enter('listener', ROOM);
    const vanished = await this.#enter('vanished', ROOM);
    const idle = await this.#enter('idle');
    const late = await this.#enter('late');
    const closed = await this.#enter('closed');
    const closedLong = await this.#enter('closed-long');
    const alive = [await this.#enter('quiet'), await this.#enter('asleep'), await this.#enter('full')];
    const [, asleep, full] = alive;
    asleep?.process.child.kill('SIGSTOP');
    await this.#closeWindow(watcher, closedLong, full);
    await wait(this.#limits.closedMs);
    await this.#closeWindow(watcher, closed);

    // Each of these has just shown activity, so the kernel waits longest before it probes them.
    for (const { name, process } of [idle, late]) {
      await watcher.ok('send', name, 'see you');
      await until(`${name} to be told`, () => /^message/m.test(process.stdout()));
    }
    this.#log('cut');
    const at = performance.now();
    for (const { address } of [listener, idle, late, closed, closedLong]) this.#network.cut(address);
    this.#network.cut(vanished.address, 'unreachable');
    await watcher.ok('send', ROOM, 'who is there?');
    const told = wait(this.#limits.lateMs).then(() => watcher.call('send', 'late', 'are you there?'));
    const gone = [listener, vanished, idle, late, closed, closedLong].map((far) =>
      this.#offline(watcher, far, at),
    );
    await Promise.all([...gone, told, this.#announced(watcher, listener, at)]);

    await this.#stillThere(watcher, alive);
    await this.#back(listener);
    this.#reasons();
    watcher.close();
    return { figures: this.#figures, findings: this.#findings };
  }

  async end(): Promise<void> {
    for (const { process } of this.#far) process.child.kill('SIGKILL');
    await Promise.all(this.#far.map(({ process }) => process.exit()));
  }

  #address(host: string): string {
    return `${host}:${this.#server.port}`;
  }

  async #enter(name: string, ...room: string[]): Promise<Far> {
    const address = this.#network.address();
    const args = [FAR_CLIENT, this.#address(this.#network.here), address, name, ...room];
    const far = { name, address, process: this.#network.run(process.execPath, args) };
    this.#far.push(far);
    await until(`${name} to come in`, () => /^in/m.test(far.process.stdout()), {
      state: far.process.stderr,
    });
    return far;
  }

  async #closeWindow(watcher: TestClient, ...readers: Array<Far | undefined>): Promise<void> {
    for (const far of readers) {
      far?.process.child.kill('SIGSTOP');
      for (const text of FLOOD) await watcher.ok('send', far?.name, text);
    }
  }

  async #online(watcher: TestClient, name: string): Promise<boolean> {
    const result = await watcher.ok('who');
    const users: unknown = Array.isArray(result) ? result[0] : undefined;
    return Array.isArray(users) && users.some((user) => Array.isArray(user) && user[0] === name);
  }

  async #offline(watcher: TestClient, { name }: Far, since: number): Promise<void> {
    while (await this.#online(watcher, name)) {
      if (performance.now() - since > this.#limits.offlineMs) {
        this.#findings.report('not offline in time', name);
        return;
      }
      await wait(LOOK_MS);
    }
    this.#note(`${name}: offline after, s`, since);
  }

  /** The other members of the room are told. */
  async #announced(watcher: TestClient, { name }: Far, since: number): Promise<void> {
    const fits = ([, user]: readonly unknown[]): boolean => user === name;
    const told = watcher.event('offline', fits, this.#limits.offlineMs).then(
      () => this.#note(`${name}: announced after, s`, since),
      () => this.#findings.report('not offline in time', `${name}: not announced`),
    );
    await told;
  }

  #note(figure: string, since: number): void {
    const seconds = (performance.now() - since) / 1_000;
    this.#log(`${figure} ${seconds.toFixed(1)}`);
    this.#figures[figure] = seconds.toFixed(1);
  }

  /** Every peer that stayed connected gets its messages. */
  async #stillThere(watcher: TestClient, alive: readonly Far[]): Promise<void> {
    for (const { name, process } of alive) {
      if (!(await this.#online(watcher, name))) this.#findings.report('offline though alive', name);
      process.child.kill('SIGCONT');
      await watcher.call('send', name, 'good morning');
      const messages = name === 'full' ? FLOOD.length + 1 : 1;
      const got = (): number => process.stdout().match(/^message/gm)?.length ?? 0;
      await until(`${name} to be told`, () => got() === messages || /^closed/m.test(process.stdout())).catch(
        () => {},
      );
      if (got() !== messages) this.#findings.report('offline though alive', `${name} got ${got()} messages`);
    }
  }

  /** The lost client resumes with its token and gets what it missed; the name of a lost guest is free. */
  async #back({ name, process }: Far): Promise<void> {
    const token = /^in (\S+)/m.exec(process.stdout())?.[1];
    const client = await TestClient.connect(this.#address('127.0.0.1'));
    await client.ok('resume', name, token);
    await client.event('message', (event) => event[5] === 'who is there?');
    client.close();
    const guest = await TestClient.connect(this.#address('127.0.0.1'));
    await guest.ok('guest', 'idle');
    guest.close();
  }

  #reasons(): void {
    const lines = this.#server.stderr().split('\n');
    const closed = lines.filter((line) => line.includes('"connection.closed"'));
    const reasons = closed.filter((line) => /no longer acknowledges|ETIMEDOUT/.test(line));
    if (reasons.length !== 6) this.#findings.report('no reason in the log', closed.join('\n'));
  }
}
