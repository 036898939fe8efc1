/** What one client does in a run: it says something, joins, leaves, goes and comes back, reads slowly. */

import type { Pick } from '../../support/random.ts';
import type { Cut, Way } from '../clients/cuttable-connection.ts';
import type { Device } from '../clients/resuming-client.ts';
import type { Temper } from './run-profile.ts';

/** What all clients of a run share. */
export interface World {
  readonly temper: Temper;
  readonly rooms: readonly string[];
  /** Whom one can write to. */
  readonly names: readonly string[];
  /** True when nobody is to do anything more. */
  readonly isOver: boolean;
  /** Says a text that nobody has said before. */
  say(device: Device, to: string, size: number, key: string | null): void;
  /** Another client of the same person begins. */
  another(device: Device, pick: Pick): Promise<void>;
}

const WAYS: readonly Way[] = ['reset', 'close', 'half'];
/** Requests without an answer, at which a client waits for half of them; more if it says more at once. */
const LOAD = 40;
/** A thread that died is back long before. */
const REFUSALS = 1_000;

export class Life {
  readonly #device: Device;
  readonly #number: number;
  readonly #isSteady: boolean;
  readonly #world: World;
  readonly #pick: Pick;
  #guests = 0;
  #said = 0;
  /** One behind the other. */
  #refusals = 0;

  /** `number`: among the clients of the run. `isSteady`: it never goes. */
  constructor(device: Device, number: number, isSteady: boolean, world: World, pick: Pick) {
    this.#device = device;
    this.#number = number;
    this.#isSteady = isSteady;
    this.#world = world;
    this.#pick = pick;
  }

  /** Comes in for the first time, and joins rooms. */
  async begin(): Promise<void> {
    const { rooms, temper } = this.#world;
    const device = this.#device;
    while (!device.isIn && !this.#world.isOver) await this.#enter();
    const first = temper.isMoving ? Array.from({ length: 1 + this.#pick(3) }, () => this.#one(rooms)) : rooms;
    for (const room of first) void device.questions.move('join', room);
    await device.until('answers to joins', () => device.questions.size === 0 || !device.isConnected);
  }

  async live(): Promise<void> {
    const { deeds, cuts } = this.#world.temper;
    for (let i = 0; i < deeds && !this.#world.isOver; i += 1) {
      if (this.#device.isIn) await this.#act();
      else await this.#enter(!this.#isSteady && this.#pick(100) < cuts ? this.#drawCut() : undefined);
    }
  }

  async #act(): Promise<void> {
    const { comings, pauseMs, isMoving } = this.#world.temper;
    const pick = this.#pick;
    const device = this.#device;
    if (!this.#isSteady && pick(100) < comings) return this.#go();
    switch (pick(16)) {
      case 0:
      case 1:
        if (!isMoving) return;
        void device.questions.move(pick(2) === 0 ? 'join' : 'leave', this.#one(this.#world.rooms));
        return;
      case 2:
        device.link?.pause();
        setTimeout(() => device.link?.resume(), pick(pauseMs));
        return;
      case 3:
        await device.seen(device.cursor);
        return;
      case 4:
        return this.#wait(10);
      case 5:
        if (isMoving && pick(4) === 0) await this.#world.another(device, pick);
        return;
      default:
        return this.#say();
    }
  }

  async #say(): Promise<void> {
    const { burst } = this.#world.temper;
    // Mostly little.
    for (let i = 1 + this.#pick(1 + this.#pick(burst)); i > 0; i -= 1) this.#sayOne();
    const { questions } = this.#device;
    const load = Math.max(LOAD, burst);
    if (questions.size < load) return;
    const isLight = (): boolean => questions.size <= load / 2 || !this.#device.isConnected;
    await this.#device.until('answers', isLight);
  }

  #sayOne(): void {
    // A guest whose connection has been cut comes back as somebody else, who did not say this.
    if (!this.#device.isConnected && this.#device.owner.password === undefined) return;
    const { rooms, names, temper } = this.#world;
    const pick = this.#pick;
    const to = this.#one(pick(4) > 0 ? rooms : names);
    const size = pick(pick(10) === 0 ? temper.size * 4 : temper.size);
    this.#said += 1;
    const key = pick(5) === 0 ? null : `key-${this.#number}-${this.#said}`;
    this.#world.say(this.#device, to, size, key);
  }

  async #go(): Promise<void> {
    const device = this.#device;
    const pick = this.#pick;
    // Answers and events are still on their way then.
    for (let i = pick(2) * pick(5); i > 0; i -= 1) this.#sayOne();
    const way = pick(6);
    if (way === 0 && this.#world.temper.isMoving && device.owner.password !== undefined) {
      await device.logout();
      if (pick(2) === 0 && device.isConnected) await device.logIn();
      else device.cut('close');
      return;
    }
    if (way === 1) await device.quit();
    else device.cut(this.#one(WAYS));
    await device.until('end of the connection', () => !device.isConnected);
  }

  async #enter(cut?: Cut): Promise<void> {
    if (this.#pick(2) === 0) await this.#wait(this.#world.temper.awayMs);
    const device = this.#device;
    const entered = await (device.isConnected
      ? device.logIn(this.#guestName())
      : device.enter(cut, this.#guestName()));
    this.#refusals = entered === 'refused' ? this.#refusals + 1 : 0;
    if (this.#refusals > REFUSALS) throw new Error(`${device.owner.user} is not let in any more`);
    if (entered === 'refused') await this.#wait(20);
  }

  /** From the middle of the login to long after it; small numbers as often as large ones. */
  #drawCut(): Cut {
    const side = this.#pick(3) === 0 ? 'out' : 'in';
    const bytes = this.#pick(2 ** (side === 'in' ? 6 + this.#pick(11) : 6 + this.#pick(8)));
    return { side, bytes, way: this.#one(WAYS) };
  }

  /** Often one that an earlier guest has had. */
  #guestName(): string | undefined {
    const { user, password } = this.#device.owner;
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
