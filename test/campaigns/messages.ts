/**
 * kill −9 in the middle of messages. Four senders write to two rooms and to one another, as fast as they are answered;
 * three more only read, and one joins and leaves a room all the time. At some moment the server is killed; what it left behind is compared with what was
 * acknowledged and with what anybody got; then it is started again, everybody comes back and goes on.
 */

import { type Pick, startCycle, startRandom } from '../support/random.ts';
import { type CampaignOptions, type CampaignResult, Findings } from './campaign.ts';
import { Mover } from './clients/join-leave-user.ts';
import type { Device } from './clients/resuming-client.ts';
import { CROWD_KINDS, Crowd } from './crowd/crowd.ts';
import { CampaignServer, freePort } from './kill/campaign-server.ts';
import { drawMoment, Killer } from './kill/kill-point.ts';
import { checkIntegrity } from './views/stored-log.ts';

const BOTH = ['#north', '#south'];
const PEOPLE = [
  { name: 'ann', rooms: BOTH },
  { name: 'ben', rooms: BOTH },
  { name: 'cat', rooms: BOTH },
  { name: 'dan', rooms: ['#south'] },
  { name: 'eva', rooms: BOTH },
  { name: 'fay', rooms: ['#north'] },
  { name: 'gus', rooms: [] },
] as const;
const SENDERS = 4;
const MOVER = { name: 'hal', rooms: [] };

/** The moment of the kill. A cycle has to bring a thousand acknowledgements on average. */
const BOUNDS = { ms: 600, answers: 4_000, writes: 400, file: 'chat.db-wal' };

export async function killMessages(options: CampaignOptions): Promise<CampaignResult> {
  const campaign = new Messages(options, await freePort());
  return campaign.run();
}

class Messages {
  readonly #options: CampaignOptions;
  readonly #findings = new Findings(...CROWD_KINDS, 'damaged');
  readonly #server: CampaignServer;
  readonly #crowd: Crowd;
  readonly #people: readonly Device[];
  readonly #moving: Device;
  readonly #mover: Mover;
  readonly #moments = { time: 0, answer: 0, write: 0 };
  #startsInVain = 0;

  constructor(options: CampaignOptions, port: number) {
    this.#options = options;
    const { report } = this.#findings;
    const args = ['--workers', String(options.workers), '--commands-per-second', '0'];
    this.#server = new CampaignServer({ data: `${options.folder}/data`, port, args });
    this.#crowd = new Crowd({ data: this.#server.data, port, members: [MOVER, ...PEOPLE], report });
    const [moving, ...people] = this.#crowd.devices;
    if (moving === undefined) throw new Error('nobody moves');
    this.#people = people;
    this.#moving = moving;
    this.#mover = new Mover(moving, '#north', startRandom(options.seed), report);
  }

  async run(): Promise<CampaignResult> {
    const { cycles, seed, log } = this.#options;
    for (let i = 0; i < 3; i += 1) await this.#server.startInVain(startRandom(seed + i)(600));
    await this.#server.start();
    await this.#crowd.enter();
    this.#mover.start();
    let cycle = 0;
    while (cycle < cycles && this.#findings.total === 0) {
      cycle += 1;
      await this.#cycle(startCycle(seed, cycle));
      if (cycle % 10 === 0) log(`cycle ${cycle}: ${this.#crowd.acknowledged} acknowledged`);
    }
    await this.#finish();
    return { figures: this.#figures(cycle), findings: this.#findings };
  }

  async #cycle(pick: Pick): Promise<void> {
    const moment = drawMoment(pick, BOUNDS);
    this.#moments[moment.type] += 1;
    // In one cycle of three the next kill may come while everybody is still coming back.
    if (pick(3) > 0) await this.#crowd.settle(this.#crowd.devices.filter((device) => device.isConnected));
    const killer = new Killer(this.#server, moment, BOUNDS.file);
    const senders = this.#people.slice(0, SENDERS);
    const say = (device: Device): void => this.#crowd.talk(device, pick, pick(20) === 0 ? 2_000 : 100);
    this.#crowd.onStored = (device) => {
      killer.answered();
      if (senders.includes(device)) say(device);
    };
    for (const device of senders) {
      for (let window = 1 + pick(48); device.questions.pending.size < window; ) say(device);
    }
    await killer.done();
    this.#crowd.onStored = () => {};
    for (const device of this.#crowd.devices)
      await device.until('end of the connection', () => !device.isConnected);
    this.#check();
    if (pick(4) === 0) {
      this.#startsInVain += 1;
      await this.#server.startInVain(pick(600));
    }
    await this.#server.start();
    const back = [this.#moving];
    for (const device of this.#people) {
      // Who only reads may stay away for a while, and comes back to a longer replay.
      if (senders.includes(device) || pick(3) > 0) back.push(device);
    }
    for (const device of back) await enter(device);
    this.#crowd.checkRooms(back);
    this.#mover.start();
  }

  /** What the log holds, against what anybody knows. */
  #check(): void {
    this.#crowd.check();
    const { user } = this.#moving;
    const extra = this.#crowd.movesOf(user) - this.#mover.asked;
    if (extra > 0)
      this.#findings.report('never attempted', `${extra} joins or leaves of ${user} more than were asked`);
  }

  async #finish(): Promise<void> {
    for (const device of this.#people) if (!device.isConnected) await enter(device);
    await this.#mover.rest();
    await this.#crowd.finish();
    this.#check();
    await this.#crowd.checkPast();
    const { code } = await this.#server.stop();
    if (code !== 0) this.#findings.report('damaged', `the server ended with ${code}`);
    this.#crowd.checkAgain();
    const integrity = checkIntegrity(this.#server.data);
    if (integrity !== 'ok') this.#findings.report('damaged', integrity);
  }

  #figures(cycles: number): CampaignResult['figures'] {
    const { time, answer, write } = this.#moments;
    const { login, resume, notYet } = this.#crowd.counts();
    return {
      cycles,
      'killed after a time, at an answer, at a write': `${time}, ${answer}, ${write}`,
      'starts killed, too': this.#startsInVain,
      acknowledged: this.#crowd.acknowledged,
      'joins and leaves': this.#crowd.movesOf(this.#moving.user),
      'present though not acknowledged': this.#crowd.unacknowledged,
      'came back by login, by resume': `${login}, ${resume}`,
      'told at the door to try again': notYet,
    };
  }
}

/** The server has just said that it listens. */
async function enter(device: Device): Promise<void> {
  const entered = await device.enter();
  if (entered !== 'in') throw new Error(`${device.state()} could not come back: ${entered}`);
}
