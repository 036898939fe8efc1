/** What one client does in a run: it sends, joins, leaves, disconnects and reconnects, and reads slowly. */

import type { Pick } from '../../support/random.ts';
import type { Cut, CutKind } from '../clients/cuttable-connection.ts';
import type { ResumingClient } from '../clients/resuming-client.ts';
import type { RunProfile } from './run-profile.ts';

/** What all clients of a run share. */
export interface RunContext {
  readonly profile: RunProfile;
  readonly rooms: readonly string[];
  /** The users one can send to. */
  readonly names: readonly string[];
  /** True once nobody should do anything more. */
  readonly isOver: boolean;
  /** Sends a unique text. */
  say(client: ResumingClient, to: string, size: number, key: string | null): void;
  /** Starts another client of the same user. */
  another(client: ResumingClient, pick: Pick): Promise<void>;
}

const WAYS: readonly CutKind[] = ['reset', 'close', 'half'];
/** At this many unanswered requests a client waits for half of them; the limit rises with the burst size. */
const LOAD = 40;
/** A dead thread is back long before this many refusals. */
const REFUSALS = 1_000;

export class ClientBehaviour {
  readonly #client: ResumingClient;
  readonly #number: number;
  readonly #isSteady: boolean;
  readonly #run: RunContext;
  readonly #pick: Pick;
  #guests = 0;
  #said = 0;
  /** Refusals in a row. */
  #refusals = 0;

  /** `number` is the client's index in the run. `isSteady`: it never disconnects. */
  constructor(client: ResumingClient, number: number, isSteady: boolean, run: RunContext, pick: Pick) {
    this.#client = client;
    this.#number = number;
    this.#isSteady = isSteady;
    this.#run = run;
    this.#pick = pick;
  }

  /** Logs in for the first time and joins rooms. */
  async begin(): Promise<void> {
    const { rooms, profile } = this.#run;
    const client = this.#client;
    while (!client.isIn && !this.#run.isOver) await this.#enter();
    const first = profile.changesRooms
      ? Array.from({ length: 1 + this.#pick(3) }, () => this.#one(rooms))
      : rooms;
    for (const room of first) void client.requests.move('join', room);
    await client.until('answers to joins', () => client.requests.size === 0 || !client.isConnected);
  }

  async live(): Promise<void> {
    const { actions, cutPercent } = this.#run.profile;
    for (let i = 0; i < actions && !this.#run.isOver; i += 1) {
      if (this.#client.isIn) await this.#act();
      else await this.#enter(!this.#isSteady && this.#pick(100) < cutPercent ? this.#drawCut() : undefined);
    }
  }

  async #act(): Promise<void> {
    const { leavePercent, pauseMs, changesRooms } = this.#run.profile;
    const pick = this.#pick;
    const client = this.#client;
    if (!this.#isSteady && pick(100) < leavePercent) return this.#go();
    switch (pick(16)) {
      case 0:
      case 1:
        if (!changesRooms) return;
        void client.requests.move(pick(2) === 0 ? 'join' : 'leave', this.#one(this.#run.rooms));
        return;
      case 2:
        client.connection?.pause();
        setTimeout(() => client.connection?.resume(), pick(pauseMs));
        return;
      case 3:
        await client.seen(client.cursor);
        return;
      case 4:
        return this.#wait(10);
      case 5:
        if (changesRooms && pick(4) === 0) await this.#run.another(client, pick);
        return;
      default:
        return this.#say();
    }
  }

  async #say(): Promise<void> {
    const { burst } = this.#run.profile;
    // Mostly few.
    for (let i = 1 + this.#pick(1 + this.#pick(burst)); i > 0; i -= 1) this.#sayOne();
    const { requests } = this.#client;
    const load = Math.max(LOAD, burst);
    if (requests.size < load) return;
    const isLight = (): boolean => requests.size <= load / 2 || !this.#client.isConnected;
    await this.#client.until('answers', isLight);
  }

  #sayOne(): void {
    // A guest whose connection was cut returns as another account, which did not send this.
    if (!this.#client.isConnected && this.#client.owner.password === undefined) return;
    const { rooms, names, profile } = this.#run;
    const pick = this.#pick;
    const to = this.#one(pick(4) > 0 ? rooms : names);
    const size = pick(pick(10) === 0 ? profile.size * 4 : profile.size);
    this.#said += 1;
    const key = pick(5) === 0 ? null : `key-${this.#number}-${this.#said}`;
    this.#run.say(this.#client, to, size, key);
  }

  async #go(): Promise<void> {
    const client = this.#client;
    const pick = this.#pick;
    // Answers and events are then still under way.
    for (let i = pick(2) * pick(5); i > 0; i -= 1) this.#sayOne();
    const way = pick(6);
    if (way === 0 && this.#run.profile.changesRooms && client.owner.password !== undefined) {
      await client.logout();
      if (pick(2) === 0 && client.isConnected) await client.logIn();
      else client.cut('close');
      return;
    }
    if (way === 1) await client.quit();
    else client.cut(this.#one(WAYS));
    await client.until('end of the connection', () => !client.isConnected);
  }

  async #enter(cut?: Cut): Promise<void> {
    if (this.#pick(2) === 0) await this.#wait(this.#run.profile.awayMs);
    const client = this.#client;
    const entered = await (client.isConnected
      ? client.logIn(this.#guestName())
      : client.enter(cut, this.#guestName()));
    this.#refusals = entered === 'refused' ? this.#refusals + 1 : 0;
    if (this.#refusals > REFUSALS) throw new Error(`${client.owner.user} cannot log in any more`);
    if (entered === 'refused') await this.#wait(20);
  }

  /** Cuts anywhere from the middle of the login to long after it; small numbers as often as large ones. */
  #drawCut(): Cut {
    const side = this.#pick(3) === 0 ? 'out' : 'in';
    const bytes = this.#pick(2 ** (side === 'in' ? 6 + this.#pick(11) : 6 + this.#pick(8)));
    return { side, bytes, way: this.#one(WAYS) };
  }

  /** Often the name of an earlier guest. */
  #guestName(): string | undefined {
    const { user, password } = this.#client.owner;
    if (password !== undefined) return undefined;
    if (this.#pick(2) === 0) this.#guests += 1;
    return `${user}.${this.#guests}`;
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, this.#pick(ms)));
  }

  #one<T>(all: readonly T[]): T {
    const one = all[this.#pick(all.length)];
    if (one === undefined) throw new Error('nothing to pick from');
    return one;
  }
}
