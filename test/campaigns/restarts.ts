/**
 * Stops the server with SIGTERM and starts it again, under load. Two dozen clients in four rooms send at a
 * steady rate, connected or not, and reconnect as the server told them to. At the end what each client
 * received is compared with the log. The length of each interruption is measured.
 */

import { setTimeout as wait } from 'node:timers/promises';
import { type Pick, startRandom } from '../support/random.ts';
import { type CampaignOptions, type CampaignResult, Findings } from './campaign.ts';
import type { ResumingClient } from './clients/resuming-client.ts';
import { CROWD_KINDS, Crowd } from './crowd/crowd.ts';
import { Pauses } from './crowd/pauses.ts';
import { SteadySenders } from './crowd/steady-senders.ts';
import { CampaignServer, freePort } from './kill/campaign-server.ts';

const ROOMS = ['#north', '#east', '#south', '#west'];
const CLIENTS = 24;
/** Average time between two messages of one client, in milliseconds. */
const EVERY_MS = 80;
/** How long the load runs before the next SIGTERM. */
const CALM_MS = { least: 300, most: 1_500 };
const EXIT_MS = 5_000;

export async function restartUnderLoad(options: CampaignOptions): Promise<CampaignResult> {
  const campaign = new Restarts(options, await freePort());
  return campaign.run();
}

class Restarts {
  readonly #options: CampaignOptions;
  readonly #findings = new Findings(...CROWD_KINDS, 'bad exit', 'no farewell');
  readonly #crowd: Crowd;
  readonly #senders: SteadySenders;
  readonly #server: CampaignServer;
  readonly #pauses = new Pauses();
  readonly #pick: Pick;
  #longestExitMs = 0;
  #lostAtTheDoor = 0;

  constructor(options: CampaignOptions, port: number) {
    this.#options = options;
    this.#pick = startRandom(options.seed);
    const args = ['--workers', String(options.workers)];
    this.#server = new CampaignServer({ data: `${options.folder}/data`, port, args });
    const members = Array.from({ length: CLIENTS }, (_, i) => ({
      name: `person-${i}`,
      rooms: ROOMS.filter((_, room) => room === i % ROOMS.length || this.#pick(2) === 0),
    }));
    const { report } = this.#findings;
    this.#crowd = new Crowd({ data: this.#server.data, port, members, report });
    this.#senders = new SteadySenders(this.#crowd, this.#pick);
  }

  async run(): Promise<CampaignResult> {
    const { cycles, log } = this.#options;
    await this.#server.start();
    await this.#crowd.enter();
    for (const client of this.#crowd.clients) client.onShown = () => this.#pauses.got(client.user);
    this.#senders.onLost = (client, wasLive) => {
      this.#pauses.lost(client.user);
      this.#checkFarewell(client, wasLive);
    };
    this.#senders.start(EVERY_MS);
    let cycle = 0;
    try {
      while (cycle < cycles && this.#findings.total === 0) {
        cycle += 1;
        await this.#cycle();
        if (cycle % 10 === 0) log(`cycle ${cycle}: ${this.#crowd.acknowledged} acknowledged`);
      }
    } finally {
      await this.#senders.stop();
    }
    await this.#crowd.finish();
    await this.#server.stop();
    return { figures: this.#figures(cycle), findings: this.#findings };
  }

  async #cycle(): Promise<void> {
    await wait(CALM_MS.least + this.#pick(CALM_MS.most - CALM_MS.least));
    for (const client of this.#crowd.clients) client.farewell = undefined;
    const asked = performance.now();
    const { code } = await this.#server.stop();
    const exitMs = Math.round(performance.now() - asked);
    this.#longestExitMs = Math.max(this.#longestExitMs, exitMs);
    if (code !== 0 || exitMs > EXIT_MS) {
      this.#findings.report('bad exit', `code ${code}, after ${exitMs} ms: ${this.#server.running.stderr()}`);
    }
    await this.#server.start();
    await this.#senders.everybodyIsLive();
  }

  /**
   * A connecting client may meet a server that is only checking whether the port is free, and does not serve
   * it.
   */
  #checkFarewell({ user, farewell }: ResumingClient, wasLive: boolean): void {
    if (!wasLive) this.#lostAtTheDoor += 1;
    else if (farewell?.code !== 'shutdown') {
      this.#findings.report('no farewell', `${user} was told ${JSON.stringify(farewell)}`);
    }
  }

  #figures(cycles: number): CampaignResult['figures'] {
    const { login, resume, notYet } = this.#crowd.counts();
    return {
      cycles,
      clients: CLIENTS,
      acknowledged: this.#crowd.acknowledged,
      'longest pause, ms': this.#pauses.longestMs,
      'median pause, ms': this.#pauses.medianMs,
      'longest time to the exit, ms': this.#longestExitMs,
      'came back by login, by resume': `${login}, ${resume}`,
      'told at the probe to try again': notYet,
      'lost at the probe': this.#lostAtTheDoor,
    };
  }
}
