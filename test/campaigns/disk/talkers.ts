/** Clients that send to each other and to two rooms, as fast as they get answers, up to a budget. */

import { until } from '../../support/process.ts';
import type { Pick } from '../../support/random.ts';
import type { Findings } from '../campaign.ts';
import { ownerOf } from '../clients/owner.ts';
import type { Judgement, Sending } from '../clients/pending-requests.ts';
import { ResumingClient } from '../clients/resuming-client.ts';
import { checkView } from '../views/compare-views.ts';
import { ExpectedViews } from '../views/expected-view.ts';
import type { StoredEntry } from '../views/stored-log.ts';
import type { Attempt, SendOutcomes } from './send-outcomes.ts';

export const ROOMS = ['#north', '#south'];
export const TALKERS = ['ann', 'ben', 'cat', 'dan', 'eva'];
/** Messages of all clients together in a cycle. */
const SAYINGS = 500;
const BURST = 60;
/** How long a client waits after a refusal, in milliseconds. */
const PAUSE_MS = 20;

export interface TalkersOptions {
  readonly port: number;
  readonly outcomes: SendOutcomes;
  readonly findings: Findings;
  readonly pick: Pick;
}

export class Talkers {
  readonly clients: readonly ResumingClient[];
  readonly #options: TalkersOptions;
  readonly #expected: ExpectedViews;
  readonly #newest = new Map<string, { readonly attempt: Attempt; readonly id: number }>();
  /** True while the server has no reason to end a connection. */
  #isToStay = false;
  /** Messages that may still be sent. */
  #budget = 0;

  constructor(options: TalkersOptions) {
    this.#options = options;
    this.#expected = new ExpectedViews(options.outcomes.said, options.findings.report);
    this.clients = TALKERS.map((user) => this.#talker(user));
  }

  /** The newest message to that room or user that was acknowledged. */
  newestTo(name: string): { readonly attempt: Attempt; readonly id: number } | undefined {
    return this.#newest.get(name);
  }

  async join(): Promise<void> {
    for (const talker of this.clients) for (const room of ROOMS) await talker.requests.move('join', room);
  }

  async enter(): Promise<void> {
    this.#isToStay = true;
    for (const talker of this.clients) {
      const { notYet } = talker.counts;
      const entered = await talker.enter();
      if (entered !== 'in' || talker.counts.notYet > notYet)
        throw new Error(`${talker.state()} could not log in: ${entered}`);
    }
  }

  leave(): void {
    this.#budget = 0;
    this.#isToStay = false;
    for (const talker of this.clients) talker.cut('close');
  }

  start(): void {
    this.#budget = SAYINGS;
    const { pick } = this.#options;
    for (const talker of this.clients) for (let i = pick(20); i >= 0; i -= 1) this.#talk(talker);
  }

  burst(): void {
    for (const talker of this.clients) for (let i = 0; i < BURST; i += 1) this.#talk(talker);
  }

  /** Keeps at least one message per client under way. */
  goOn(): void {
    this.#budget = Math.max(this.#budget, TALKERS.length);
    for (const talker of this.clients) if (talker.requests.size === 0) this.#talk(talker);
  }

  /** Stops sending and waits until every outcome is known. */
  async settle(): Promise<void> {
    this.#budget = 0;
    for (const talker of this.clients) {
      const state = (): string => talker.state();
      await until('everything to be settled', () => talker.isSettled, { state });
    }
  }

  /** Checks that every client received exactly its part of the log, which must not change meanwhile. */
  async check(entries: readonly StoredEntry[]): Promise<void> {
    const { newest } = this.#expected;
    this.#expected.add(entries.filter(({ id }) => id > newest));
    for (const talker of this.clients) {
      const last = this.#expected.ofUser(talker.user).at(-1)?.id ?? 0;
      await talker.until('last entry', () => talker.cursor >= last);
      for (const view of talker.views) {
        view.isWhole = true;
        checkView(view, this.#expected, this.#options.findings.report);
      }
    }
  }

  #talker(user: string): ResumingClient {
    const { port, findings, outcomes } = this.#options;
    const judge = (code: unknown, sending?: Sending): Judgement => this.#judge(talker, code, sending);
    const habits = { isEager: false, trustsLive: false, after: 0, judge };
    const talker = new ResumingClient(ownerOf(user), port, habits, findings.report);
    talker.requests.onPosted = ({ text }) => outcomes.askAgain(outcomes.of(text));
    talker.requests.onStored = ({ text }, id) => {
      const attempt = outcomes.of(text);
      outcomes.stored(attempt, id);
      if (id > (this.#newest.get(attempt.to)?.id ?? 0)) this.#newest.set(attempt.to, { attempt, id });
      this.#talk(talker);
    };
    talker.onEnded = () => {
      if (this.#isToStay) findings.report('connection lost', user);
    };
    return talker;
  }

  /** Takes `storage_full` for not stored and `storage_failed` for unknown. */
  #judge(talker: ResumingClient, code: unknown, sending?: Sending): Judgement {
    const { outcomes, pick } = this.#options;
    if (code !== 'storage_full' && code !== 'storage_failed') return 'odd';
    if (sending === undefined) return 'given up';
    outcomes.refused(outcomes.of(sending.text), code);
    setTimeout(() => this.#talk(talker), PAUSE_MS);
    return code === 'storage_full' && pick(2) === 0 ? 'given up' : 'again';
  }

  #talk(talker: ResumingClient): void {
    if (this.#budget <= 0 || !talker.isConnected) return;
    this.#budget -= 1;
    const { pick, outcomes } = this.#options;
    const names = pick(3) === 0 ? TALKERS : ROOMS;
    const to = names[pick(names.length)] ?? talker.user;
    const padding = pick(10) === 0 ? pick(6_000) : pick(200);
    const { text, key } = outcomes.say(talker.user, to, padding);
    talker.requests.send(to, text, key);
  }
}
