/** A script of the registry's writes to the log: the same steps every time, whatever the disk does. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { OUTCOME_FINDINGS, SendOutcomes } from '../disk/send-outcomes.ts';
import { checkIntegrity, readMessages } from '../views/stored-log.ts';
import type { FaultPlay, PlayOptions } from './fault-play.ts';
import { LogArchive } from './log-archive.ts';
import { LogUsers } from './log-users.ts';
import { RegistryDriver } from './registry-driver.ts';

export const LOG_KINDS = [...OUTCOME_FINDINGS, 'not routed', 'another fold'] as const;

/** Ticks in which a registry must recover, and starts that one fault may prevent. */
const TICKS = 3;
const STARTS = 3;
const ROUNDS = 5;
/** How long the registry remembers keys. */
const KEY_LIFETIME_MS = 24 * 60 * 60 * 1_000;

const PEOPLE = ['ann', 'ben', 'cat'];
const GUEST = 'gil';
const ROOMS = ['#a', '#b'];

export class LogFaultPlay implements FaultPlay {
  readonly #options: PlayOptions;
  readonly #outcomes: SendOutcomes;
  readonly #registry: RegistryDriver;
  readonly #users: LogUsers;
  readonly #archive: LogArchive;
  /** The newest message at the start: all later ones must be routed. */
  #since: number | undefined;

  constructor(options: PlayOptions, before?: LogFaultPlay) {
    const { data, findings } = options;
    this.#options = options;
    this.#outcomes = before === undefined ? new SendOutcomes(findings) : before.#outcomes;
    this.#registry = new RegistryDriver(data, findings);
    this.#users = new LogUsers(this.#registry, this.#outcomes, findings);
    this.#archive = new LogArchive(options);
    if (before === undefined) for (const user of PEOPLE) this.#users.add(user);
    else this.#users.takeOver(before.#users);
  }

  get data(): string {
    return this.#options.data;
  }

  get acknowledged(): number {
    return this.#outcomes.counts.stored;
  }

  readonly steps: ReadonlyArray<() => unknown> = [
    () => this.#open(),
    () => this.#users.move(['ann', '#a'], ['ben', '#a'], ['cat', '#b']),
    () => this.#say(['ann', '#a'], ['ben', '#a'], ['ann', 'ben'], ['ann', 'ben'], ['cat', 'cat']),
    () => this.#registry.tick(),
    () => this.#users.guestComes(GUEST),
    () => this.#users.move([GUEST, '#b']),
    () => this.#say([GUEST, '#b'], ['cat', '#b']),
    () => this.#users.guestGoes(GUEST),
    () => this.#say(...Array.from({ length: 8 }, () => ['ann', '#a', 6_000] as const)),
    () => this.#archive.checkpoint(),
    () => this.#users.see(),
    () => this.#registry.tick(),
    () => this.#archive.read(this.#outcomes.kept()),
    () => this.#users.move(['cat', '#a'], ['ben', '#a', 'leave'], ['ben', '#b']),
    () => this.#say(['cat', '#a'], ['ben', '#b'], ['ann', '#a'], ['cat', 'ann'], ['cat', 'ann']),
    () => this.#newcomer(),
    () => this.#say(['ann', 'dan'], ['dan', 'ann'], ['dan', 'ben'], ['dan', 'ben']),
    () => this.#restart(),
    () => this.#say(['ben', '#b'], ['cat', '#a'], ['ben', 'cat'], ['ben', 'cat']),
    () => this.#repeat(),
    () => this.#archive.checkpoint(),
    () => this.#say(['ann', '#a', 3_000], ['cat', '#b'], ['dan', 'cat']),
    () => this.#forgetKeys(),
    () => this.#say(['ann', '#a'], ['cat', '#b']),
    () => this.#registry.tick(),
  ];

  async settle(): Promise<void> {
    const { findings } = this.#options;
    for (let ticks = 0; ticks < TICKS; ticks += 1) await this.#registry.tick();
    if (!this.#registry.isRunning) await this.#open();
    const last = PEOPLE.map((user) => this.#outcomes.say(user, user, 0));
    for (let round = 0; round < ROUNDS && this.#outcomes.open().length > 0; round += 1) {
      await this.#users.attach();
      await this.#users.moveAgain(ROOMS);
      await this.#users.say(...this.#outcomes.open());
    }
    for (const { from, text } of this.#outcomes.open()) {
      // A guest who has left cannot ask again.
      if (from !== GUEST) findings.report('not settled', text.slice(0, 40));
    }
    for (const { text, outcome } of last) {
      if (outcome !== 'stored') findings.report('no recovery', `${text.slice(0, 40)} is ${outcome}`);
    }
    await this.#repeat();
  }

  /** Also compares with the state after a fresh start. */
  async check(): Promise<void> {
    const { findings } = this.#options;
    const before = await this.#users.rooms(ROOMS);
    const routed = this.#registry.routed.flatMap((entry) =>
      'text' in entry ? [show(entry.id, entry.text)] : [],
    );
    this.close();
    const messages = readMessages(this.data);
    this.#outcomes.check(messages, 'at the end');
    const stored = messages.filter(({ id }) => id > (this.#since ?? 0)).map(({ id, text }) => show(id, text));
    if (routed.join() !== stored.join()) {
      findings.report('not routed', `stored is ${stored.join()}, and routed was ${routed.join()}`);
    }
    const integrity = checkIntegrity(this.data);
    if (integrity !== 'ok') findings.report('damaged', integrity);
    this.#users.forget();
    await this.#open();
    const after = await this.#users.rooms(ROOMS);
    if (before !== after) findings.report('another fold', `${after} after a start, and before it ${before}`);
    this.close();
  }

  checkLeft(left: string, when: string): void {
    const file = join(left, 'chat.db');
    if (!existsSync(file)) {
      this.#outcomes.check([], when);
      return;
    }
    // Opens the file as the next start would: a writer moves the log's tail into the file or rolls back what
    // was unfinished.
    const db = new DatabaseSync(file);
    const hasEntries = db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'entries'").get() !== undefined;
    db.close();
    this.#outcomes.check(hasEntries ? readMessages(left) : [], when);
  }

  close(): void {
    this.#registry.stop();
    this.#archive.close();
  }

  next(data: string): LogFaultPlay {
    return new LogFaultPlay({ ...this.#options, data }, this);
  }

  async #open(): Promise<void> {
    this.#since ??= existsSync(join(this.data, 'chat.db')) ? (readMessages(this.data).at(-1)?.id ?? 0) : 0;
    for (let tries = 0; tries < STARTS; tries += 1) {
      if (!(await this.#users.start())) continue;
      this.#archive.open();
      return;
    }
  }

  async #restart(): Promise<void> {
    this.#registry.stop();
    await this.#open();
  }

  /** Two messages of a batch may be the first ones of their conversation. */
  async #say(...things: ReadonlyArray<readonly [from: string, to: string, padding?: number]>): Promise<void> {
    const attempts = things.map(([from, to, padding = 0]) => this.#outcomes.say(from, to, padding));
    await this.#users.say(...attempts);
    // Every second refused message is sent again at once.
    const again = attempts.filter(({ outcome }, i) => outcome === 'refused' && i % 2 === 0);
    if (again.length > 0) await this.#users.say(...again);
  }

  /** Repeats every stored message: each must get its first id. */
  async #repeat(): Promise<void> {
    await this.#users.say(...this.#outcomes.kept().filter(({ isForgotten }) => !isForgotten));
  }

  /** A day passes: the registry forgets keys, a commit that nobody asked for. */
  async #forgetKeys(): Promise<void> {
    if (this.#outcomes.open().length > 0) return;
    this.#outcomes.forget();
    this.#registry.pass(KEY_LIFETIME_MS + 1_000);
    await this.#registry.tick();
  }

  async #newcomer(): Promise<void> {
    await this.#registry.ask(['dan'], (user, number) => ['account', number, 0, user]);
    this.#users.add('dan');
    await this.#users.attach();
  }
}

function show(id: number, text: string): string {
  return `${id} ${text.slice(0, 12)}`;
}
