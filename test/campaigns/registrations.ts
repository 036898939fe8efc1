/**
 * Kills the server with SIGKILL in the middle of registrations. Several connections register names, some of
 * them the same name, and two change passwords. After the next start every acknowledged account must log in
 * with its last acknowledged password. For a request without an answer, exactly one outcome must hold.
 */

import { TestClient } from '../support/client.ts';
import { until } from '../support/process.ts';
import { type Pick, startCycle, startRandom } from '../support/random.ts';
import { type KnownAccount, KnownAccounts } from './accounts/accounts.ts';
import { PasswordProbe } from './accounts/password-probe.ts';
import { readNames } from './accounts/users-text.ts';
import { type CampaignOptions, type CampaignResult, Findings } from './campaign.ts';
import { CampaignServer, freePort } from './kill/campaign-server.ts';
import { drawKillPoint, Killer } from './kill/kill-point.ts';
import { readAccounts } from './views/stored-log.ts';

const REGISTRARS = 5;
const CHANGERS = 2;
/** How many earlier accounts are checked in each cycle. At the end all of them are. */
const SAMPLE = 5;
const BOUNDS = { ms: 500, answers: 30, writes: 25, file: 'users.txt' };

export async function killRegistrations(options: CampaignOptions): Promise<CampaignResult> {
  return new Registrations(options, await freePort()).run();
}

class Registrations {
  readonly #options: CampaignOptions;
  readonly #findings = new Findings('lost', 'never attempted', 'half there', 'wrong password', 'refused');
  readonly #server: CampaignServer;
  readonly #accounts = new KnownAccounts();
  readonly #probe: PasswordProbe;
  readonly #killPoints = { time: 0, answer: 0, write: 0 };
  #acknowledged = 0;
  #changed = 0;
  #startsInVain = 0;
  #unsure = 0;
  #present = 0;

  constructor(options: CampaignOptions, port: number) {
    this.#options = options;
    const args = ['--workers', String(options.workers)];
    this.#server = new CampaignServer({ data: `${options.folder}/data`, port, args });
    this.#probe = new PasswordProbe(port);
  }

  async run(): Promise<CampaignResult> {
    const { cycles, seed, log } = this.#options;
    for (let i = 0; i < 3; i += 1) await this.#server.startInVain(startRandom(seed + i)(600));
    await this.#server.start();
    let cycle = 0;
    while (cycle < cycles && this.#findings.total === 0) {
      cycle += 1;
      await this.#cycle(cycle, startCycle(seed, cycle));
      if (cycle % 10 === 0) log(`cycle ${cycle}: ${this.#accounts.registered().length} accounts`);
    }
    const everybody = this.#accounts.registered();
    for (const account of everybody) await this.#expectIn(account);
    await this.#expectAccounts();
    await this.#probe.close();
    await this.#server.stop();
    const { time, answer, write } = this.#killPoints;
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
    const killPoint = drawKillPoint(pick, BOUNDS);
    this.#killPoints[killPoint.type] += 1;
    const before = this.#accounts.registered();
    const changing = await this.#loginChangers(before, pick);
    const registering: TestClient[] = [];
    for (let i = 0; i < REGISTRARS; i += 1)
      registering.push(await TestClient.connect(`127.0.0.1:${this.#server.port}`));

    const killer = new Killer(this.#server, killPoint, BOUNDS.file);
    const work = [
      ...registering.map((client, i) => this.#register(client, `c${cycle}-${i}`, killer, pick)),
      ...changing.map(([client, account]) => this.#change(client, account, killer)),
    ];
    await killer.done();
    await Promise.all(work);

    this.#expectNames(readNames(this.#server.data));
    if (pick(4) === 0) {
      this.#startsInVain += 1;
      await this.#server.startInVain(pick(600));
    }
    await this.#server.start();
    this.#probe.reset();
    await this.#expectKnown();
    const known = new Set(before);
    for (const account of this.#accounts.unsure()) await this.#findOut(account);
    for (const account of this.#accounts.registered()) if (!known.has(account)) await this.#expectIn(account);
    for (const [, account] of changing) await this.#expectIn(account);
    for (let i = 0; i < SAMPLE; i += 1) {
      const account = before[pick(before.length)];
      if (account !== undefined) await this.#expectIn(account);
    }
    await this.#expectAccounts();
  }

  /** Registers one name after the other, two requests at a time, until the connection ends. */
  async #register(client: TestClient, prefix: string, killer: Killer, pick: Pick): Promise<void> {
    const lane = async (lane: number): Promise<void> => {
      for (let number = 0; ; number += 1) {
        // All connections compete for one name in six, in upper or lower case.
        const isContested = pick(6) === 0;
        const name = isContested
          ? `${pick(2) === 0 ? 'X' : 'x'}${prefix.split('-')[0]}-${number}`
          : `${prefix}-${lane}-${number}`;
        const account = this.#accounts.account(name);
        const password = `secret of ${prefix}-${lane}-${number}`;
        account.asked(password);
        const answer = await client.ask('register', name, password);
        if (answer === undefined) return;
        killer.answered();
        if (answer[0] === 'ok') {
          if (account.password !== undefined) this.#findings.report('lost', `${name} was registered twice`);
          account.acknowledged(password);
          this.#acknowledged += 1;
        } else if (answer[2] === 'name_taken' && isContested) {
          account.refused(password);
        } else {
          this.#findings.report('refused', `register ${name}: ${JSON.stringify(answer)}`);
        }
      }
    };
    await Promise.all([lane(0), lane(1)]);
  }

  async #loginChangers(
    registered: readonly KnownAccount[],
    pick: Pick,
  ): Promise<Array<readonly [TestClient, KnownAccount]>> {
    const changing: Array<readonly [TestClient, KnownAccount]> = [];
    for (let i = 0; i < CHANGERS; i += 1) {
      const account = registered[pick(registered.length)];
      if (account === undefined || account.isBusy) continue;
      account.isBusy = true;
      const client = await TestClient.connect(`127.0.0.1:${this.#server.port}`);
      await client.ok('login', account.name, account.password);
      changing.push([client, account]);
    }
    return changing;
  }

  async #change(client: TestClient, account: KnownAccount, killer: Killer): Promise<void> {
    for (let number = 0; ; number += 1) {
      const old = account.password;
      const next = `secret ${number} after ${old?.slice(0, 60)}`;
      account.asked(next);
      const answer = await client.ask('password', old, next);
      if (answer === undefined) return;
      killer.answered();
      if (answer[0] === 'ok') {
        account.acknowledged(next);
        this.#changed += 1;
      } else {
        this.#findings.report('refused', `password of ${account.name}: ${JSON.stringify(answer)}`);
      }
    }
  }

  /**
   * For an account whose last request had no answer: exactly one password works, or none if nothing was
   * acknowledged.
   */
  async #findOut(account: KnownAccount): Promise<void> {
    this.#unsure += 1;
    const working: string[] = [];
    for (const password of account.candidates)
      if (await this.#probe.accepts(account.name, password)) working.push(password);
    if (working.length > 1 || (working.length === 0 && account.password !== undefined)) {
      const tried = `${working.length} of ${account.candidates.length} passwords work`;
      this.#findings.report('wrong password', `${account.name}: ${tried}`);
    }
    const [password] = working;
    if (password !== undefined && password !== account.password) this.#present += 1;
    account.settle(password);
  }

  async #expectIn(account: KnownAccount): Promise<void> {
    const { name, password } = account;
    account.isBusy = false;
    // The caller has just found that no password works.
    if (password === undefined) return;
    if (!(await this.#probe.accepts(name, password))) {
      this.#findings.report('lost', `${name} cannot log in with the password that was acknowledged`);
    }
    const dead = [...account.dead].at(-1);
    if (dead !== undefined && (await this.#probe.accepts(name, dead))) {
      this.#findings.report(
        'wrong password',
        `${name} can log in with a password that is not its own any more`,
      );
    }
    // Checking once is enough: each failure counts against the client's address.
    account.dead.clear();
  }

  #expectNames(names: readonly string[]): void {
    for (const name of names) {
      if (!this.#accounts.has(name)) this.#findings.report('never attempted', `${name} is in users.txt`);
    }
    const present = new Set(names.map((name) => name.toLowerCase()));
    for (const { name } of this.#accounts.registered()) {
      if (!present.has(name.toLowerCase())) this.#findings.report('lost', `${name} is not in users.txt`);
    }
  }

  /** Everybody who can log in can be sent messages, even before the first login. */
  async #expectKnown(): Promise<void> {
    const names = readNames(this.#server.data);
    // The server adds accounts to chat.db while it already listens.
    const isComplete = await until('chat.db to hold every account', () => {
      const known = new Set(readAccounts(this.#server.data));
      return names.every((name) => known.has(name));
    }).catch(() => false);
    if (!isComplete) this.#findings.report('half there', 'not every account of users.txt is in chat.db');
  }

  /** Both files hold the same accounts: those that were acknowledged or found to exist. */
  async #expectAccounts(): Promise<void> {
    const names = readNames(this.#server.data);
    this.#expectNames(names);
    if (names.length !== this.#accounts.registered().length) {
      this.#findings.report(
        'never attempted',
        `users.txt holds ${names.length} accounts, and not those that let in`,
      );
    }
    const extra = new Set(readAccounts(this.#server.data)).difference(new Set(names));
    if (extra.size > 0) this.#findings.report('half there', `only in chat.db: ${[...extra].join()}`);
  }
}
