/** People who talk to each other and in two rooms, as fast as they are answered, as long as they may. */

import type { Pick } from '../transport/hostile.ts';
import type { Findings } from './campaign.ts';
import type { StoredMessage } from './stored.ts';
import { Talker } from './talker.ts';
import type { Saying, Verdicts } from './verdicts.ts';

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
  readonly talkers: readonly Talker[];
  readonly #verdicts: Verdicts;
  readonly #pick: Pick;
  readonly #newest = new Map<string, { readonly saying: Saying; readonly id: number }>();
  /** What may still be said. */
  #budget = 0;

  constructor(options: DiskLoadOptions) {
    this.#verdicts = options.verdicts;
    this.#pick = options.pick;
    this.talkers = TALKERS.map((name) => new Talker({ ...options, name, rooms: new Set(ROOMS) }));
    for (const talker of this.talkers) {
      talker.onStored = (saying, id) => {
        if (id > (this.#newest.get(saying.to)?.id ?? 0)) this.#newest.set(saying.to, { saying, id });
        this.#talk(talker);
      };
      talker.onRefused = () => void setTimeout(() => this.#talk(talker), PAUSE_MS);
    }
  }

  /** Of the messages to that room or person, the newest that somebody was told is stored. */
  newestTo(name: string): { readonly saying: Saying; readonly id: number } | undefined {
    return this.#newest.get(name);
  }

  async join(): Promise<void> {
    for (const talker of this.talkers) for (const room of ROOMS) await talker.ask('join', room);
  }

  async enter(): Promise<void> {
    for (const talker of this.talkers) {
      const answer = await talker.enter();
      if (answer?.[0] === 'ok') continue;
      throw new Error(`${talker.name} could not come in: ${JSON.stringify(answer)}`);
    }
  }

  leave(): void {
    this.#budget = 0;
    for (const talker of this.talkers) talker.leave();
  }

  start(): void {
    this.#budget = SAYINGS;
    for (const talker of this.talkers) for (let i = this.#pick(20); i >= 0; i -= 1) this.#talk(talker);
  }

  burst(): void {
    for (const talker of this.talkers) for (let i = 0; i < BURST; i += 1) this.#talk(talker);
  }

  /** There is always somebody who has something to say. */
  goOn(): void {
    this.#budget = Math.max(this.#budget, TALKERS.length);
    for (const talker of this.talkers) if (talker.outstanding === 0) this.#talk(talker);
  }

  /** Nobody says anything new, and what is open is settled. */
  async settle(): Promise<void> {
    this.#budget = 0;
    for (const talker of this.talkers) await talker.settled();
  }

  /** Everybody gets what is stored and for them, and nothing else. */
  async check(messages: readonly StoredMessage[]): Promise<void> {
    for (const talker of this.talkers) {
      await talker.got(talker.newestDue(messages));
      talker.check(messages);
    }
  }

  #talk(talker: Talker): void {
    if (this.#budget <= 0 || !talker.isConnected) return;
    this.#budget -= 1;
    const names = this.#pick(3) === 0 ? TALKERS : ROOMS;
    const to = names[this.#pick(names.length)] ?? talker.name;
    const padding = this.#pick(10) === 0 ? this.#pick(6_000) : this.#pick(200);
    talker.say(this.#verdicts.say(talker.name, to, padding));
  }
}
