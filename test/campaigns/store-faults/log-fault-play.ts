/** One play of the log: the same steps every time, with everything that a registry writes in them, whatever the disk does. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { VERDICT_KINDS, Verdicts } from '../disk/send-outcomes.ts';
import { checkIntegrity, readMessages } from '../views/stored-log.ts';
import type { FaultPlay, PlayOptions } from './fault-play.ts';
import { LogArchive } from './log-archive.ts';
import { LogCast } from './log-users.ts';
import { LogPlayer } from './registry-driver.ts';

export const LOG_KINDS = [...VERDICT_KINDS, 'not routed', 'another fold'] as const;

/** Ticks that a registry may take to work again, and starts that may fail because of one fault. */
const TICKS = 3;
const STARTS = 3;
const ROUNDS = 5;
/** How long a registry remembers keys. */
const KEY_LIFETIME_MS = 24 * 60 * 60 * 1_000;

const PEOPLE = ['ann', 'ben', 'cat'];
const GUEST = 'gil';
const ROOMS = ['#a', '#b'];

export class LogPlay implements FaultPlay {
  readonly #options: PlayOptions;
  readonly #verdicts: Verdicts;
  readonly #player: LogPlayer;
  readonly #cast: LogCast;
  readonly #archive: LogArchive;
  /** The newest message when it began: all behind it must be routed. */
  #since: number | undefined;

  constructor(options: PlayOptions, before?: LogPlay) {
    const { data, findings } = options;
    this.#options = options;
    this.#verdicts = before === undefined ? new Verdicts(findings) : before.#verdicts;
    this.#player = new LogPlayer(data, findings);
    this.#cast = new LogCast(this.#player, this.#verdicts, findings);
    this.#archive = new LogArchive(options);
    if (before === undefined) for (const user of PEOPLE) this.#cast.add(user);
    else this.#cast.takeOver(before.#cast);
  }

  get data(): string {
    return this.#options.data;
  }

  get acknowledged(): number {
    return this.#verdicts.counts.stored;
  }

  readonly steps: ReadonlyArray<() => unknown> = [
    () => this.#open(),
    () => this.#cast.move(['ann', '#a'], ['ben', '#a'], ['cat', '#b']),
    () => this.#say(['ann', '#a'], ['ben', '#a'], ['ann', 'ben'], ['ann', 'ben'], ['cat', 'cat']),
    () => this.#player.tick(),
    () => this.#cast.guestComes(GUEST),
    () => this.#cast.move([GUEST, '#b']),
    () => this.#say([GUEST, '#b'], ['cat', '#b']),
    () => this.#cast.guestGoes(GUEST),
    () => this.#say(...Array.from({ length: 8 }, () => ['ann', '#a', 6_000] as const)),
    () => this.#archive.checkpoint(),
    () => this.#cast.see(),
    () => this.#player.tick(),
    () => this.#archive.read(this.#verdicts.kept()),
    () => this.#cast.move(['cat', '#a'], ['ben', '#a', 'leave'], ['ben', '#b']),
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
    () => this.#player.tick(),
  ];

  async settle(): Promise<void> {
    const { findings } = this.#options;
    for (let ticks = 0; ticks < TICKS; ticks += 1) await this.#player.tick();
    if (!this.#player.isRunning) await this.#open();
    const last = PEOPLE.map((user) => this.#verdicts.say(user, user, 0));
    for (let round = 0; round < ROUNDS && this.#verdicts.open().length > 0; round += 1) {
      await this.#cast.attach();
      await this.#cast.moveAgain(ROOMS);
      await this.#cast.say(...this.#verdicts.open());
    }
    for (const { from, text } of this.#verdicts.open()) {
      // A guest who has gone cannot ask again.
      if (from !== GUEST) findings.report('not settled', text.slice(0, 40));
    }
    for (const { text, verdict } of last) {
      if (verdict !== 'stored') findings.report('no recovery', `${text.slice(0, 40)} is ${verdict}`);
    }
    await this.#repeat();
  }

  /** Also with what a fresh start makes of it. */
  async check(): Promise<void> {
    const { findings } = this.#options;
    const before = await this.#cast.rooms(ROOMS);
    const routed = this.#player.routed.flatMap((entry) =>
      'text' in entry ? [show(entry.id, entry.text)] : [],
    );
    this.close();
    const messages = readMessages(this.data);
    this.#verdicts.check(messages, 'at the end');
    const stored = messages.filter(({ id }) => id > (this.#since ?? 0)).map(({ id, text }) => show(id, text));
    if (routed.join() !== stored.join()) {
      findings.report('not routed', `stored is ${stored.join()}, and routed was ${routed.join()}`);
    }
    const integrity = checkIntegrity(this.data);
    if (integrity !== 'ok') findings.report('damaged', integrity);
    this.#cast.forget();
    await this.#open();
    const after = await this.#cast.rooms(ROOMS);
    if (before !== after) findings.report('another fold', `${after} after a start, and before it ${before}`);
    this.close();
  }

  checkLeft(left: string, when: string): void {
    const file = join(left, 'chat.db');
    if (!existsSync(file)) {
      this.#verdicts.check([], when);
      return;
    }
    // As the next start would: it can write, and so brings the log's tail into the file, or undoes what was half done.
    const db = new DatabaseSync(file);
    const hasEntries = db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'entries'").get() !== undefined;
    db.close();
    this.#verdicts.check(hasEntries ? readMessages(left) : [], when);
  }

  close(): void {
    this.#player.stop();
    this.#archive.close();
  }

  next(data: string): LogPlay {
    return new LogPlay({ ...this.#options, data }, this);
  }

  async #open(): Promise<void> {
    this.#since ??= existsSync(join(this.data, 'chat.db')) ? (readMessages(this.data).at(-1)?.id ?? 0) : 0;
    for (let tries = 0; tries < STARTS; tries += 1) {
      if (!(await this.#cast.start())) continue;
      this.#archive.open();
      return;
    }
  }

  async #restart(): Promise<void> {
    this.#player.stop();
    await this.#open();
  }

  /** Two messages of a batch may be the first of their conversation. */
  async #say(...things: ReadonlyArray<readonly [from: string, to: string, padding?: number]>): Promise<void> {
    const sayings = things.map(([from, to, padding = 0]) => this.#verdicts.say(from, to, padding));
    await this.#cast.say(...sayings);
    // One in two of those that were refused is said again at once.
    const again = sayings.filter(({ verdict }, i) => verdict === 'refused' && i % 2 === 0);
    if (again.length > 0) await this.#cast.say(...again);
  }

  /** Everything that is stored, once more: each gets its first id. */
  async #repeat(): Promise<void> {
    await this.#cast.say(...this.#verdicts.kept().filter(({ isForgotten }) => !isForgotten));
  }

  /** A day later: the registry forgets keys, which is a commit that nobody asked for. */
  async #forgetKeys(): Promise<void> {
    if (this.#verdicts.open().length > 0) return;
    this.#verdicts.forget();
    this.#player.pass(KEY_LIFETIME_MS + 1_000);
    await this.#player.tick();
  }

  async #newcomer(): Promise<void> {
    await this.#player.ask((number) => ['account', number, 0, 'dan']);
    this.#cast.add('dan');
    await this.#cast.attach();
  }
}

function show(id: number, text: string): string {
  return `${id} ${text.slice(0, 12)}`;
}
