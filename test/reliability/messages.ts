/**
 * kill −9 in the middle of messages. Four senders write to two rooms and to one another, as fast as they are answered;
 * three more only read, and one joins and leaves a room all the time. At some moment the server is killed; what it left behind is compared with what was
 * acknowledged and with what anybody got; then it is started again, everybody comes back and goes on.
 */

import { until } from '../support/process.ts';
import { type Pick, startRandom } from '../transport/hostile.ts';
import { type CampaignOptions, type CampaignResult, Findings } from './campaign.ts';
import { Chatter } from './chatter.ts';
import { writeCheapUsers } from './cheap-users.ts';
import { drawMoment, Killer } from './moment.ts';
import { Mover } from './mover.ts';
import { KINDS, Oracle } from './oracle.ts';
import { checkReading } from './reading.ts';
import { checkIntegrity, readMessages, readMoves } from './stored.ts';
import { freePort, Victim } from './victim.ts';

const BOTH = new Set(['#north', '#south']);
const PEOPLE = [
  { name: 'ann', rooms: BOTH },
  { name: 'ben', rooms: BOTH },
  { name: 'cat', rooms: BOTH },
  { name: 'dan', rooms: new Set(['#south']) },
  { name: 'eva', rooms: BOTH },
  { name: 'fay', rooms: new Set(['#north']) },
  { name: 'gus', rooms: new Set<string>() },
] as const;
const SENDERS = 4;

/** The moment of the kill. A cycle has to bring a thousand acknowledgements on average. */
const BOUNDS = { ms: 600, answers: 4_000, writes: 400, file: 'chat.db-wal' };

export async function killMessages(options: CampaignOptions): Promise<CampaignResult> {
  const campaign = new Messages(options, await freePort());
  return campaign.run();
}

class Messages {
  readonly #options: CampaignOptions;
  readonly #findings = new Findings(...KINDS, 'damaged', 'not readable');
  readonly #oracle: Oracle;
  readonly #victim: Victim;
  readonly #chatters: readonly Chatter[];
  readonly #mover: Mover;
  readonly #moments = { time: 0, answer: 0, write: 0 };
  #startsInVain = 0;

  constructor(options: CampaignOptions, port: number) {
    this.#options = options;
    const args = ['--workers', String(options.workers), '--commands-per-second', '0'];
    this.#victim = new Victim(`${options.folder}/data`, port, args);
    this.#oracle = new Oracle(this.#findings, PEOPLE);
    const shared = { port, oracle: this.#oracle, findings: this.#findings };
    this.#chatters = PEOPLE.map((person) => new Chatter({ ...person, ...shared }));
    const pick = startRandom(options.seed);
    this.#mover = new Mover({ name: 'hal', room: '#north', port, findings: this.#findings, pick });
  }

  async run(): Promise<CampaignResult> {
    const { cycles, seed, log } = this.#options;
    writeCheapUsers(this.#victim.data, [...PEOPLE.map(({ name }) => name), this.#mover.name]);
    for (let i = 0; i < 3; i += 1) await this.#victim.startInVain(startRandom(seed + i)(600));
    await this.#victim.start();
    for (const chatter of this.#chatters) {
      await chatter.enter();
      await chatter.join();
    }
    await this.#mover.enter();
    let cycle = 0;
    while (cycle < cycles && this.#findings.total === 0) {
      cycle += 1;
      await this.#cycle(startRandom(Math.imul(seed + 1, 0x9e3779b1) ^ cycle));
      if (cycle % 10 === 0) log(`cycle ${cycle}: ${this.#oracle.acknowledged} acknowledged`);
    }
    await this.#finish();
    return { figures: this.#figures(cycle), findings: this.#findings };
  }

  async #cycle(pick: Pick): Promise<void> {
    const moment = drawMoment(pick, BOUNDS);
    this.#moments[moment.type] += 1;
    // In one cycle of three the next kill may come while everybody is still coming back.
    if (pick(3) > 0) await this.#settle();
    const killer = new Killer(this.#victim, moment, BOUNDS.file);
    for (const [index, chatter] of this.#chatters.entries()) {
      chatter.onAcknowledged = () => {
        killer.answered();
        if (index < SENDERS) this.#say(chatter, pick);
      };
      const window = index < SENDERS ? 1 + pick(48) : 0;
      for (let i = chatter.pending.size; i < window; i += 1) this.#say(chatter, pick);
    }
    await killer.done();
    for (const chatter of this.#chatters) {
      chatter.onAcknowledged = () => {};
      await chatter.settled('the connection to end', () => !chatter.isConnected);
    }
    await until('the connection of who moves to end', () => !this.#mover.isConnected);
    this.#check();
    if (pick(4) === 0) {
      this.#startsInVain += 1;
      await this.#victim.startInVain(pick(600));
    }
    await this.#victim.start();
    for (const [index, chatter] of this.#chatters.entries()) {
      // Who only reads may stay away for a while, and comes back to a longer replay.
      if (index < SENDERS || pick(3) > 0) await enter(chatter);
    }
    await this.#mover.enter();
  }

  #say(chatter: Chatter, pick: Pick): void {
    const others = PEOPLE.filter(({ name }) => name !== chatter.name);
    const rooms = [...chatter.rooms];
    const to = pick(3) === 0 ? others[pick(others.length)]?.name : rooms[pick(rooms.length)];
    const padding = pick(20) === 0 ? pick(2_000) : pick(100);
    chatter.send(this.#oracle.attempt(chatter.name, to ?? chatter.name, padding));
  }

  /** What the log holds, against what anybody knows. */
  #check(): void {
    const { data } = this.#victim;
    const messages = readMessages(data, this.#oracle.newest);
    this.#oracle.check(messages);
    this.#mover.check(messages, readMoves(data, this.#mover.name, this.#mover.room, this.#mover.newestMove));
    for (const chatter of this.#chatters) this.#oracle.checkView(chatter.name, chatter.takeView());
  }

  async #settle(): Promise<void> {
    for (const chatter of this.#chatters) {
      if (!chatter.isConnected) continue;
      await chatter.settled(
        'everything to be acknowledged',
        () => chatter.isLive && chatter.pending.size === 0,
      );
    }
  }

  async #finish(): Promise<void> {
    for (const chatter of this.#chatters) if (!chatter.isConnected) await enter(chatter);
    await this.#settle();
    await this.#mover.rest();
    this.#check();
    for (const chatter of this.#chatters) {
      const newest = this.#oracle.dueTo(chatter.name).at(-1)?.id ?? 0;
      // What does not come is reported as a gap.
      await chatter
        .settled('everybody to have got everything', () => chatter.cursor >= newest)
        .catch(() => {});
      this.#oracle.checkView(chatter.name, chatter.takeView());
      this.#oracle.checkComplete(chatter.name);
    }
    const { name, room, due } = this.#mover;
    await until('who moves to have got everything', () => this.#mover.hasEverything).catch(() => {});
    this.#mover.check([], []);
    if (!this.#mover.hasEverything) this.#findings.report('gap', `${name} did not get everything`);
    await checkReading(this.#victim.port, { name, rooms: new Set([room]) }, due, this.#findings);
    for (const { name, rooms } of PEOPLE) {
      await checkReading(this.#victim.port, { name, rooms }, this.#oracle.dueTo(name), this.#findings);
    }
    const { code } = await this.#victim.stop();
    if (code !== 0) this.#findings.report('damaged', `the server ended with ${code}`);
    this.#oracle.checkAgain(readMessages(this.#victim.data, 0));
    const integrity = checkIntegrity(this.#victim.data);
    if (integrity !== 'ok') this.#findings.report('damaged', integrity);
  }

  #figures(cycles: number): CampaignResult['figures'] {
    const { time, answer, write } = this.#moments;
    const entries = this.#chatters.map((chatter) => chatter.entries);
    const total = (of: keyof Chatter['entries']): number => entries.reduce((sum, e) => sum + e[of], 0);
    return {
      cycles,
      'killed after a time, at an answer, at a write': `${time}, ${answer}, ${write}`,
      'starts killed, too': this.#startsInVain,
      acknowledged: this.#oracle.acknowledged,
      'joins and leaves': this.#mover.moves,
      'present though not acknowledged': this.#oracle.unacknowledged,
      'came back by login, by resume': `${total('login')}, ${total('resume')}`,
      'told at the door to try again': total('notYet'),
    };
  }
}

/** The server has just said that it listens. */
async function enter(chatter: Chatter): Promise<void> {
  const entered = await chatter.enter();
  if (entered !== 'in') throw new Error(`${chatter.name} could not come back: ${entered}`);
}
