/**
 * Kills the server with SIGKILL in the middle of messages. Four senders write to two rooms and to each other
 * as fast as they get answers; three clients only read, one keeps joining and leaving a room, and others
 * register accounts and change their passwords. At a random point the server is killed. What it left on disk is compared with what was acknowledged and with what every
 * client received; then it is started again, and everybody reconnects and continues.
 */

import { type Pick, startCycle, startRandom } from '../support/random.ts';
import { ACCOUNT_FINDINGS, RegisteringUsers } from './accounts/registering-users.ts';
import { type CampaignOptions, type CampaignResult, Findings } from './campaign.ts';
import { JoinLeaveUser } from './clients/join-leave-user.ts';
import type { ResumingClient } from './clients/resuming-client.ts';
import { CROWD_KINDS, Crowd } from './crowd/crowd.ts';
import { CampaignServer, freePort } from './kill/campaign-server.ts';
import { drawKillPoint, Killer } from './kill/kill-point.ts';
import { checkIntegrity, readAccounts } from './views/stored-log.ts';

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
const JOIN_LEAVE_USER = { name: 'hal', rooms: [] };

/** Bounds of the kill point. A cycle should bring a thousand acknowledgements on average. */
const BOUNDS = { ms: 600, answers: 4_000, writes: 400, file: 'chat.db-wal' };
/** In one cycle of four, the kill comes at a registration instead. */
const AT_REGISTRATION = { ...BOUNDS, writes: 12, file: 'users.txt' };
const REGISTRARS = 3;

export async function killMessages(options: CampaignOptions): Promise<CampaignResult> {
  const campaign = new Messages(options, await freePort());
  return campaign.run();
}

class Messages {
  readonly #options: CampaignOptions;
  readonly #findings = new Findings(...CROWD_KINDS, ...ACCOUNT_FINDINGS, 'half there', 'damaged');
  readonly #server: CampaignServer;
  readonly #crowd: Crowd;
  readonly #people: readonly ResumingClient[];
  readonly #moving: ResumingClient;
  readonly #joinLeaveUser: JoinLeaveUser;
  readonly #registering: RegisteringUsers;
  readonly #killPoints = { time: 0, answer: 0, write: 0 };
  #startsInVain = 0;

  constructor(options: CampaignOptions, port: number) {
    this.#options = options;
    const { report } = this.#findings;
    const args = ['--workers', String(options.workers), '--commands-per-second', '0'];
    this.#server = new CampaignServer({ data: `${options.folder}/data`, port, args });
    this.#crowd = new Crowd({ data: this.#server.data, port, members: [JOIN_LEAVE_USER, ...PEOPLE], report });
    const [moving, ...people] = this.#crowd.clients;
    if (moving === undefined) throw new Error('the crowd is empty');
    this.#people = people;
    this.#moving = moving;
    this.#joinLeaveUser = new JoinLeaveUser(moving, '#north', startRandom(options.seed), report);
    this.#registering = new RegisteringUsers(port, this.#findings);
  }

  async run(): Promise<CampaignResult> {
    const { cycles, seed, log } = this.#options;
    for (let i = 0; i < 3; i += 1) await this.#server.startInVain(startRandom(seed + i)(600));
    await this.#server.start();
    await this.#crowd.enter();
    this.#joinLeaveUser.start();
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
    const bounds = pick(4) === 0 ? AT_REGISTRATION : BOUNDS;
    const killPoint = drawKillPoint(pick, bounds);
    this.#killPoints[killPoint.type] += 1;
    // In one cycle of three the next kill may come while clients are still reconnecting.
    if (pick(3) > 0) await this.#crowd.settle(this.#crowd.clients.filter((client) => client.isConnected));
    const killer = new Killer(this.#server, killPoint, bounds.file);
    const senders = this.#people.slice(0, SENDERS);
    const say = (client: ResumingClient): void =>
      this.#crowd.talk(client, pick, pick(20) === 0 ? 2_000 : 100);
    this.#crowd.onStored = (client) => {
      killer.answered();
      if (senders.includes(client)) say(client);
    };
    for (const client of senders) {
      for (let window = 1 + pick(48); client.requests.pending.size < window; ) say(client);
    }
    const registering = Array.from({ length: REGISTRARS }, () => this.#registering.untilItEnds(pick));
    await killer.done();
    await Promise.all(registering);
    this.#crowd.onStored = () => {};
    for (const client of this.#crowd.clients)
      await client.until('end of the connection', () => !client.isConnected);
    this.#check();
    if (pick(4) === 0) {
      this.#startsInVain += 1;
      await this.#server.startInVain(pick(600));
    }
    await this.#server.start();
    const back = [this.#moving];
    for (const client of this.#people) {
      // A client that only reads may stay away for a while and reconnect to a longer replay.
      if (senders.includes(client) || pick(3) > 0) back.push(client);
    }
    for (const client of back) await enter(client);
    this.#crowd.checkRooms(back);
    this.#registering.reset();
    await this.#registering.settle();
    this.#joinLeaveUser.start();
  }

  /** Compares the log with what every client knows. */
  #check(): void {
    this.#crowd.check();
    const { user } = this.#moving;
    const extra = this.#crowd.movesOf(user) - this.#joinLeaveUser.asked;
    if (extra > 0)
      this.#findings.report('never attempted', `${extra} joins or leaves of ${user} more than were asked`);
  }

  async #finish(): Promise<void> {
    for (const client of this.#people) if (!client.isConnected) await enter(client);
    await this.#joinLeaveUser.rest();
    await this.#crowd.finish();
    this.#check();
    await this.#crowd.checkPast();
    await this.#registering.checkAll();
    const { code } = await this.#server.stop();
    if (code !== 0) this.#findings.report('damaged', `the server ended with ${code}`);
    this.#crowd.checkAgain();
    // Both files have the same accounts, also those that have never logged in.
    const names = new Set([...this.#crowd.clients.map(({ user }) => user), ...this.#registering.names]);
    const different = names.symmetricDifference(new Set(readAccounts(this.#server.data)));
    if (different.size > 0) this.#findings.report('half there', [...different].join());
    const integrity = checkIntegrity(this.#server.data);
    if (integrity !== 'ok') this.#findings.report('damaged', integrity);
  }

  #figures(cycles: number): CampaignResult['figures'] {
    const { time, answer, write } = this.#killPoints;
    const { login, resume, notYet } = this.#crowd.counts();
    const { registered, changed } = this.#registering.counts;
    return {
      cycles,
      'killed after a time, at an answer, at a write': `${time}, ${answer}, ${write}`,
      'starts killed, too': this.#startsInVain,
      acknowledged: this.#crowd.acknowledged,
      'joins and leaves': this.#crowd.movesOf(this.#moving.user),
      'registrations and password changes': `${registered}, ${changed}`,
      'present though not acknowledged': this.#crowd.unacknowledged,
      'came back by login, by resume': `${login}, ${resume}`,
      'told at the probe to try again': notYet,
    };
  }
}

/** Must succeed: the server has just reported that it listens. */
async function enter(client: ResumingClient): Promise<void> {
  const entered = await client.enter();
  if (entered !== 'in') throw new Error(`${client.state()} could not log in again: ${entered}`);
}
