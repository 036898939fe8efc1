/** People who talk to each other and in two rooms, as fast as they are answered, as long as they may. */

import { until } from '../../support/process.ts';
import type { Pick } from '../../support/random.ts';
import type { Findings } from '../campaign.ts';
import { ownerOf } from '../clients/owner.ts';
import type { Judgement, Sending } from '../clients/pending-requests.ts';
import { Device } from '../clients/resuming-client.ts';
import { checkView } from '../views/compare-views.ts';
import { Sight } from '../views/expected-view.ts';
import type { StoredEntry } from '../views/stored-log.ts';
import type { Saying, Verdicts } from './send-outcomes.ts';

export const ROOMS = ['#north', '#south'];
export const TALKERS = ['ann', 'ben', 'cat', 'dan', 'eva'];
/** What everybody together may say in a cycle. */
const SAYINGS = 500;
const BURST = 60;
/** How long before who was refused says something else, in ms. */
const PAUSE_MS = 20;

export interface DiskLoadOptions {
  readonly port: number;
  readonly verdicts: Verdicts;
  readonly findings: Findings;
  readonly pick: Pick;
}

export class DiskLoad {
  readonly talkers: readonly Device[];
  readonly #options: DiskLoadOptions;
  readonly #sight: Sight;
  readonly #newest = new Map<string, { readonly saying: Saying; readonly id: number }>();
  /** True while the server is there and has no reason to end a connection. */
  #isToStay = false;
  /** What may still be said. */
  #budget = 0;

  constructor(options: DiskLoadOptions) {
    this.#options = options;
    this.#sight = new Sight(options.verdicts.said, options.findings.report);
    this.talkers = TALKERS.map((user) => this.#talker(user));
  }

  /** Of the messages to that room or person, the newest that somebody was told is stored. */
  newestTo(name: string): { readonly saying: Saying; readonly id: number } | undefined {
    return this.#newest.get(name);
  }

  async join(): Promise<void> {
    for (const talker of this.talkers) for (const room of ROOMS) await talker.questions.move('join', room);
  }

  async enter(): Promise<void> {
    this.#isToStay = true;
    for (const talker of this.talkers) {
      const { notYet } = talker.counts;
      const entered = await talker.enter();
      if (entered !== 'in' || talker.counts.notYet > notYet)
        throw new Error(`${talker.state()} could not come in: ${entered}`);
    }
  }

  leave(): void {
    this.#budget = 0;
    this.#isToStay = false;
    for (const talker of this.talkers) talker.cut('close');
  }

  start(): void {
    this.#budget = SAYINGS;
    const { pick } = this.#options;
    for (const talker of this.talkers) for (let i = pick(20); i >= 0; i -= 1) this.#talk(talker);
  }

  burst(): void {
    for (const talker of this.talkers) for (let i = 0; i < BURST; i += 1) this.#talk(talker);
  }

  /** There is always somebody who has something to say. */
  goOn(): void {
    this.#budget = Math.max(this.#budget, TALKERS.length);
    for (const talker of this.talkers) if (talker.questions.size === 0) this.#talk(talker);
  }

  /** Nobody says anything new, and what is open is settled. */
  async settle(): Promise<void> {
    this.#budget = 0;
    for (const talker of this.talkers) {
      const state = (): string => talker.state();
      await until('everything to be settled', () => talker.isSettled, { state });
    }
  }

  /** Everybody has got what the log holds and is for them, and nothing else. It stands still. */
  async check(entries: readonly StoredEntry[]): Promise<void> {
    const { newest } = this.#sight;
    this.#sight.add(entries.filter(({ id }) => id > newest));
    for (const talker of this.talkers) {
      const last = this.#sight.ofUser(talker.user).at(-1)?.id ?? 0;
      await talker.until('last entry', () => talker.cursor >= last);
      for (const view of talker.views) {
        view.isWhole = true;
        checkView(view, this.#sight, this.#options.findings.report);
      }
    }
  }

  #talker(user: string): Device {
    const { port, findings, verdicts } = this.#options;
    const judge = (code: unknown, sending?: Sending): Judgement => this.#judge(talker, code, sending);
    const habits = { isEager: false, trustsLive: false, after: 0, judge };
    const talker = new Device(ownerOf(user), port, habits, findings.report);
    talker.questions.onPosted = ({ text }) => verdicts.askAgain(verdicts.of(text));
    talker.questions.onStored = ({ text }, id) => {
      const saying = verdicts.of(text);
      verdicts.stored(saying, id);
      if (id > (this.#newest.get(saying.to)?.id ?? 0)) this.#newest.set(saying.to, { saying, id });
      this.#talk(talker);
    };
    talker.onEnded = () => {
      if (this.#isToStay) findings.report('connection lost', user);
    };
    return talker;
  }

  /** Each refusal is taken for what it means: `storage_full` for not stored, `storage_failed` for not known. */
  #judge(talker: Device, code: unknown, sending?: Sending): Judgement {
    const { verdicts, pick } = this.#options;
    if (code !== 'storage_full' && code !== 'storage_failed') return 'odd';
    if (sending === undefined) return 'given up';
    verdicts.refused(verdicts.of(sending.text), code);
    setTimeout(() => this.#talk(talker), PAUSE_MS);
    return code === 'storage_full' && pick(2) === 0 ? 'given up' : 'again';
  }

  #talk(talker: Device): void {
    if (this.#budget <= 0 || !talker.isConnected) return;
    this.#budget -= 1;
    const { pick, verdicts } = this.#options;
    const names = pick(3) === 0 ? TALKERS : ROOMS;
    const to = names[pick(names.length)] ?? talker.user;
    const padding = pick(10) === 0 ? pick(6_000) : pick(200);
    const { text, key } = verdicts.say(talker.user, to, padding);
    talker.questions.send(to, text, key);
  }
}
