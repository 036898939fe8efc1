/**
 * kill −9 in the middle of registrations. Several connections register names, some of them the same one, and two change
 * passwords; at some moment the server is killed. After the next start every account that was acknowledged must
 * let its owner in, with the password that was acknowledged last; of what had no answer exactly one outcome must hold.
 */

import { TestClient } from '../support/client.ts';
import { until } from '../support/process.ts';
import { type Pick, startCycle, startRandom } from '../support/random.ts';
import { People, type Person } from './accounts/accounts.ts';
import { Door } from './accounts/password-probe.ts';
import { readNames } from './accounts/users-text.ts';
import { type CampaignOptions, type CampaignResult, Findings } from './campaign.ts';
import { CampaignServer, freePort } from './kill/campaign-server.ts';
import { drawMoment, Killer } from './kill/kill-point.ts';
import { readAccounts } from './views/stored-log.ts';

const REGISTRARS = 5;
const CHANGERS = 2;
/** Earlier accounts that are looked at again in every cycle, and all of them in the end. */
const SAMPLE = 5;
const BOUNDS = { ms: 500, answers: 30, writes: 25, file: 'users.txt' };

export async function killRegistrations(options: CampaignOptions): Promise<CampaignResult> {
  return new Registrations(options, await freePort()).run();
}

class Registrations {
  readonly #options: CampaignOptions;
  readonly #findings = new Findings('lost', 'never attempted', 'half there', 'wrong password', 'refused');
  readonly #server: CampaignServer;
  readonly #people = new People();
  readonly #door: Door;
  readonly #moments = { time: 0, answer: 0, write: 0 };
  #acknowledged = 0;
  #changed = 0;
  #startsInVain = 0;
  #unsure = 0;
  #present = 0;

  constructor(options: CampaignOptions, port: number) {
    this.#options = options;
    const args = ['--workers', String(options.workers)];
    this.#server = new CampaignServer({ data: `${options.folder}/data`, port, args });
    this.#door = new Door(port);
  }

  async run(): Promise<CampaignResult> {
    const { cycles, seed, log } = this.#options;
    for (let i = 0; i < 3; i += 1) await this.#server.startInVain(startRandom(seed + i)(600));
    await this.#server.start();
    let cycle = 0;
    while (cycle < cycles && this.#findings.total === 0) {
      cycle += 1;
      await this.#cycle(cycle, startCycle(seed, cycle));
      if (cycle % 10 === 0) log(`cycle ${cycle}: ${this.#people.registered().length} accounts`);
    }
    const everybody = this.#people.registered();
    for (const person of everybody) await this.#expectIn(person);
    await this.#expectAccounts();
    await this.#door.close();
    await this.#server.stop();
    const { time, answer, write } = this.#moments;
    const figures = {
      cycles: cycle,
      'killed after a time, at an answer, at a write': `${time}, ${answer}, ${write}`,
      'starts killed, too': this.#startsInVain,
      'registrations acknowledged': this.#acknowledged,
      'password changes acknowledged': this.#changed,
      'accounts that logged in at the end': everybody.length,
      'without an answer at the kill': this.#unsure,
      'of these in force after the start': this.#present,
    };
    return { figures, findings: this.#findings };
  }

  async #cycle(cycle: number, pick: Pick): Promise<void> {
    const moment = drawMoment(pick, BOUNDS);
    this.#moments[moment.type] += 1;
    const before = this.#people.registered();
    const changing = await this.#loginChangers(before, pick);
    const registering: TestClient[] = [];
    for (let i = 0; i < REGISTRARS; i += 1)
      registering.push(await TestClient.connect(`127.0.0.1:${this.#server.port}`));

    const killer = new Killer(this.#server, moment, BOUNDS.file);
    const work = [
      ...registering.map((client, i) => this.#register(client, `c${cycle}-${i}`, killer, pick)),
      ...changing.map(([client, person]) => this.#change(client, person, killer)),
    ];
    await killer.done();
    await Promise.all(work);

    this.#expectNames(readNames(this.#server.data));
    if (pick(4) === 0) {
      this.#startsInVain += 1;
      await this.#server.startInVain(pick(600));
    }
    await this.#server.start();
    this.#door.reset();
    await this.#expectKnown();
    const known = new Set(before);
    for (const person of this.#people.unsure()) await this.#findOut(person);
    for (const person of this.#people.registered()) if (!known.has(person)) await this.#expectIn(person);
    for (const [, person] of changing) await this.#expectIn(person);
    for (let i = 0; i < SAMPLE; i += 1) {
      const person = before[pick(before.length)];
      if (person !== undefined) await this.#expectIn(person);
    }
    await this.#expectAccounts();
  }

  /** One name after the other, two requests at a time, until the connection ends. */
  async #register(client: TestClient, prefix: string, killer: Killer, pick: Pick): Promise<void> {
    const lane = async (lane: number): Promise<void> => {
      for (let number = 0; ; number += 1) {
        // One name in six is wanted by all connections at once, in one case or the other.
        const isContested = pick(6) === 0;
        const name = isContested
          ? `${pick(2) === 0 ? 'X' : 'x'}${prefix.split('-')[0]}-${number}`
          : `${prefix}-${lane}-${number}`;
        const person = this.#people.person(name);
        const password = `secret of ${prefix}-${lane}-${number}`;
        person.asked(password);
        const answer = await client.ask('register', name, password);
        if (answer === undefined) return;
        killer.answered();
        if (answer[0] === 'ok') {
          if (person.password !== undefined) this.#findings.report('lost', `${name} was registered twice`);
          person.acknowledged(password);
          this.#acknowledged += 1;
        } else if (answer[2] === 'name_taken' && isContested) {
          person.refused(password);
        } else {
          this.#findings.report('refused', `register ${name}: ${JSON.stringify(answer)}`);
        }
      }
    };
    await Promise.all([lane(0), lane(1)]);
  }

  async #loginChangers(
    registered: readonly Person[],
    pick: Pick,
  ): Promise<Array<readonly [TestClient, Person]>> {
    const changing: Array<readonly [TestClient, Person]> = [];
    for (let i = 0; i < CHANGERS; i += 1) {
      const person = registered[pick(registered.length)];
      if (person === undefined || person.isBusy) continue;
      person.isBusy = true;
      const client = await TestClient.connect(`127.0.0.1:${this.#server.port}`);
      await client.ok('login', person.name, person.password);
      changing.push([client, person]);
    }
    return changing;
  }

  async #change(client: TestClient, person: Person, killer: Killer): Promise<void> {
    for (let number = 0; ; number += 1) {
      const old = person.password;
      const next = `secret ${number} after ${old?.slice(0, 60)}`;
      person.asked(next);
      const answer = await client.ask('password', old, next);
      if (answer === undefined) return;
      killer.answered();
      if (answer[0] === 'ok') {
        person.acknowledged(next);
        this.#changed += 1;
      } else {
        this.#findings.report('refused', `password of ${person.name}: ${JSON.stringify(answer)}`);
      }
    }
  }

  /** Of someone whose last request had no answer: exactly one password works, or none if nothing was acknowledged. */
  async #findOut(person: Person): Promise<void> {
    this.#unsure += 1;
    const working: string[] = [];
    for (const password of person.candidates)
      if (await this.#door.letsIn(person.name, password)) working.push(password);
    if (working.length > 1 || (working.length === 0 && person.password !== undefined)) {
      const tried = `${working.length} of ${person.candidates.length} passwords work`;
      this.#findings.report('wrong password', `${person.name}: ${tried}`);
    }
    const [password] = working;
    if (password !== undefined && password !== person.password) this.#present += 1;
    person.settle(password);
  }

  async #expectIn(person: Person): Promise<void> {
    const { name, password } = person;
    person.isBusy = false;
    // It has just been found that none lets it in.
    if (password === undefined) return;
    if (!(await this.#door.letsIn(name, password))) {
      this.#findings.report('lost', `${name} cannot log in with the password that was acknowledged`);
    }
    const dead = [...person.dead].at(-1);
    if (dead !== undefined && (await this.#door.letsIn(name, dead))) {
      this.#findings.report(
        'wrong password',
        `${name} can log in with a password that is not its own any more`,
      );
    }
    // Once is enough; each failure counts against the address that it comes from.
    person.dead.clear();
  }

  #expectNames(names: readonly string[]): void {
    for (const name of names) {
      if (!this.#people.has(name)) this.#findings.report('never attempted', `${name} is in users.txt`);
    }
    const present = new Set(names.map((name) => name.toLowerCase()));
    for (const { name } of this.#people.registered()) {
      if (!present.has(name.toLowerCase())) this.#findings.report('lost', `${name} is not in users.txt`);
    }
  }

  /** Whoever can log in can be written to, also before the first login. */
  async #expectKnown(): Promise<void> {
    const names = readNames(this.#server.data);
    // The server makes accounts known to chat.db while it already listens.
    const isComplete = await until('chat.db to hold every account', () => {
      const known = new Set(readAccounts(this.#server.data));
      return names.every((name) => known.has(name));
    }).catch(() => false);
    if (!isComplete) this.#findings.report('half there', 'not every account of users.txt is in chat.db');
  }

  /** Both files hold the same accounts: those that were acknowledged or found to be there. */
  async #expectAccounts(): Promise<void> {
    const names = readNames(this.#server.data);
    this.#expectNames(names);
    if (names.length !== this.#people.registered().length) {
      this.#findings.report(
        'never attempted',
        `users.txt holds ${names.length} accounts, and not those that let in`,
      );
    }
    const extra = new Set(readAccounts(this.#server.data)).difference(new Set(names));
    if (extra.size > 0) this.#findings.report('half there', `only in chat.db: ${[...extra].join()}`);
  }
}
