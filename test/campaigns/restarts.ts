/**
 * SIGTERM and a new server, under load. Two dozen clients in four rooms say something at a steady rate, whether they are
 * connected or not, and come back by themselves as the server told them; what each of them has got in the end is
 * compared with the log, and how long each had to wait is measured.
 */

import { setTimeout as wait } from 'node:timers/promises';
import { type Pick, startRandom } from '../support/random.ts';
import { type CampaignOptions, type CampaignResult, Findings } from './campaign.ts';
import type { Device } from './clients/resuming-client.ts';
import { CROWD_KINDS, Crowd } from './crowd/crowd.ts';
import { Pauses } from './crowd/pauses.ts';
import { Regulars } from './crowd/steady-senders.ts';
import { CampaignServer, freePort } from './kill/campaign-server.ts';

const ROOMS = ['#north', '#east', '#south', '#west'];
const CLIENTS = 24;
/** What one client says: on average every so many ms. */
const EVERY_MS = 80;
/** How long the load goes on before the next SIGTERM, at most and at least. */
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
  readonly #regulars: Regulars;
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
    this.#regulars = new Regulars(this.#crowd, this.#pick);
  }

  async run(): Promise<CampaignResult> {
    const { cycles, log } = this.#options;
    await this.#server.start();
    await this.#crowd.enter();
    for (const device of this.#crowd.devices) device.onShown = () => this.#pauses.got(device.user);
    this.#regulars.onLost = (device, wasLive) => {
      this.#pauses.lost(device.user);
      this.#checkFarewell(device, wasLive);
    };
    this.#regulars.start(EVERY_MS);
    let cycle = 0;
    try {
      while (cycle < cycles && this.#findings.total === 0) {
        cycle += 1;
        await this.#cycle();
        if (cycle % 10 === 0) log(`cycle ${cycle}: ${this.#crowd.acknowledged} acknowledged`);
      }
    } finally {
      await this.#regulars.stop();
    }
    await this.#crowd.finish();
    await this.#server.stop();
    return { figures: this.#figures(cycle), findings: this.#findings };
  }

  async #cycle(): Promise<void> {
    await wait(CALM_MS.least + this.#pick(CALM_MS.most - CALM_MS.least));
    for (const device of this.#crowd.devices) device.farewell = undefined;
    const asked = performance.now();
    const { code } = await this.#server.stop();
    const exitMs = Math.round(performance.now() - asked);
    this.#longestExitMs = Math.max(this.#longestExitMs, exitMs);
    if (code !== 0 || exitMs > EXIT_MS) {
      this.#findings.report('bad exit', `code ${code}, after ${exitMs} ms: ${this.#server.running.stderr()}`);
    }
    await this.#server.start();
    await this.#regulars.everybodyIsLive();
  }

  /** Who is only coming in may meet a server that looks whether the port is free, and is not served yet. */
  #checkFarewell({ user, farewell }: Device, wasLive: boolean): void {
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
      'told at the door to try again': notYet,
      'lost at the door': this.#lostAtTheDoor,
    };
  }
}
