/**
 * SIGTERM and a new server, under load. Two dozen clients in four rooms say something at a steady rate, whether they are
 * connected or not, and come back by themselves as the server told them; what each of them has got in the end is
 * compared with the log, and how long each had to wait is measured.
 */

import { setTimeout as wait } from 'node:timers/promises';
import { until } from '../support/process.ts';
import { type Pick, startRandom } from '../transport/hostile.ts';
import { type CampaignOptions, type CampaignResult, Findings } from './campaign.ts';
import { CROWD_KINDS, Crowd, type Member } from './crowd.ts';
import type { Device } from './device.ts';
import { Pauses } from './pauses.ts';
import { freePort, Victim } from './victim.ts';

const ROOMS = ['#north', '#east', '#south', '#west'];
const CLIENTS = 24;
/** What one client says: on average every so many ms. */
const EVERY_MS = 80;
/** How long the load goes on before the next SIGTERM, at most and at least. */
const CALM_MS = { least: 300, most: 1_500 };
const EXIT_MS = 5_000;
/** A server that cannot be reached is tried again after this. */
const AGAIN_MS = 100;

export async function restartUnderLoad(options: CampaignOptions): Promise<CampaignResult> {
  const campaign = new Restarts(options, await freePort());
  return campaign.run();
}

class Restarts {
  readonly #options: CampaignOptions;
  readonly #findings = new Findings(...CROWD_KINDS, 'bad exit', 'no farewell');
  readonly #people: readonly Member[];
  readonly #crowd: Crowd;
  readonly #victim: Victim;
  readonly #pauses = new Pauses();
  readonly #pick: Pick;
  readonly #comingBack = new Set<Promise<void>>();
  #isOver = false;
  #longestExitMs = 0;
  #lostAtTheDoor = 0;
  #failure: unknown;

  constructor(options: CampaignOptions, port: number) {
    this.#options = options;
    this.#pick = startRandom(options.seed);
    this.#victim = new Victim(`${options.folder}/data`, port, ['--workers', String(options.workers)]);
    this.#people = Array.from({ length: CLIENTS }, (_, i) => ({
      name: `person-${i}`,
      rooms: ROOMS.filter((_, room) => room === i % ROOMS.length || this.#pick(2) === 0),
    }));
    const { report } = this.#findings;
    this.#crowd = new Crowd({ data: this.#victim.data, port, members: this.#people, report });
  }

  async run(): Promise<CampaignResult> {
    const { cycles, log } = this.#options;
    await this.#victim.start();
    await this.#crowd.enter();
    for (const device of this.#crowd.devices) this.#attend(device);
    const talking = this.#crowd.devices.map((device, i) => this.#talk(device, this.#people[i]?.rooms ?? []));
    let cycle = 0;
    while (cycle < cycles && this.#findings.total === 0 && this.#failure === undefined) {
      cycle += 1;
      await this.#cycle();
      if (cycle % 10 === 0) log(`cycle ${cycle}: ${this.#crowd.acknowledged} acknowledged`);
    }
    this.#isOver = true;
    await Promise.all(talking);
    if (this.#failure !== undefined) throw this.#failure;
    await this.#finish();
    return { figures: this.#figures(cycle), findings: this.#findings };
  }

  async #cycle(): Promise<void> {
    await wait(CALM_MS.least + this.#pick(CALM_MS.most - CALM_MS.least));
    for (const device of this.#crowd.devices) device.farewell = undefined;
    const asked = performance.now();
    const { code } = await this.#victim.stop();
    const exitMs = Math.round(performance.now() - asked);
    this.#longestExitMs = Math.max(this.#longestExitMs, exitMs);
    if (code !== 0 || exitMs > EXIT_MS) {
      this.#findings.report('bad exit', `code ${code}, after ${exitMs} ms: ${this.#victim.running.stderr()}`);
    }
    await this.#victim.start();
    for (const device of this.#crowd.devices) {
      const state = (): string => device.state();
      const isBack = (): boolean => device.isLive || this.#failure !== undefined;
      await until('everybody to be back', isBack, { state });
    }
  }

  #attend(device: Device): void {
    const { user } = device;
    device.onShown = () => this.#pauses.got(user);
    device.onEnded = (wasLive) => {
      this.#pauses.lost(user);
      this.#checkFarewell(device, wasLive);
      const back = this.#comeBack(device).catch((error: unknown) => {
        this.#failure = error;
      });
      this.#comingBack.add(back);
      void back.then(() => this.#comingBack.delete(back));
    };
  }

  /** Who is only coming in may meet a server that looks whether the port is free, and is not served yet. */
  #checkFarewell({ user, farewell }: Device, wasLive: boolean): void {
    if (!wasLive) this.#lostAtTheDoor += 1;
    else if (farewell?.code !== 'shutdown') {
      this.#findings.report('no farewell', `${user} was told ${JSON.stringify(farewell)}`);
    }
  }

  /** As told by `bye`, with some chance in it; and then again and again. */
  async #comeBack(device: Device): Promise<void> {
    let delayMs = device.farewell?.retryAfterMs ?? AGAIN_MS;
    for (;;) {
      await wait(delayMs + this.#pick(AGAIN_MS));
      // A connection that is lost while it comes in calls for a return of its own.
      if ((await device.enter()) !== 'refused') return;
      delayMs = AGAIN_MS;
    }
  }

  async #talk(device: Device, rooms: readonly string[]): Promise<void> {
    while (!this.#isOver) {
      await wait(this.#pick(2 * EVERY_MS));
      const to = this.#pick(3) === 0 ? this.#somebody() : rooms[this.#pick(rooms.length)];
      this.#crowd.say(device, to ?? device.user, this.#pick(200));
    }
  }

  #somebody(): string | undefined {
    return this.#people[this.#pick(CLIENTS)]?.name;
  }

  async #finish(): Promise<void> {
    await this.#crowd.finish();
    for (const device of this.#crowd.devices) device.onEnded = () => {};
    await this.#victim.stop();
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
