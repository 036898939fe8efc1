/** One run: its people, what they do at the same time, and at the end what each of them was shown, against the log. */

import { type Pick, startRandom } from '../../support/random.ts';
import { type Owner, ownerOf } from '../clients/owner.ts';
import { judgeStrictly } from '../clients/pending-requests.ts';
import { Device, type Habits } from '../clients/resuming-client.ts';
import { audit } from '../views/audit.ts';
import type { Said } from '../views/expected-view.ts';
import { isRoom } from '../views/observed-view.ts';
import { readNewest, type StoredEntry } from '../views/stored-log.ts';
import type { Report } from '../views/view-faults.ts';
import { Life, type World } from './client-behaviour.ts';
import type { Temper } from './run-profile.ts';
import type { House } from './shared-server.ts';
import { Misfortune } from './thread-killer.ts';

/** What all runs of a series came to. */
export interface Sums {
  clients: number;
  'messages tried': number;
  'entries of the log': number;
  'entries shown': number;
  'connections that came in': number;
  'connections lost at login': number;
  'connections lost in a replay': number;
  'connections lost when live': number;
  'clients told that they are too slow': number;
  'threads that died': number;
}

export function startSums(): Sums {
  return {
    clients: 0,
    'messages tried': 0,
    'entries of the log': 0,
    'entries shown': 0,
    'connections that came in': 0,
    'connections lost at login': 0,
    'connections lost in a replay': 0,
    'connections lost when live': 0,
    'clients told that they are too slow': 0,
    'threads that died': 0,
  };
}

/** Refusals that follow from what others do. */
const EXPECTED = new Set<unknown>(['no_such_room', 'no_such_user', 'not_a_member']);
/** Clients of one run, those that begin in the middle included. */
export const MOST_CLIENTS = 100;

export class Run implements World {
  readonly temper: Temper;
  readonly rooms: readonly string[];
  readonly names: string[] = [];
  isOver = false;
  readonly #house: House;
  readonly #seed: number;
  readonly #report: Report;
  readonly #pick: Pick;
  readonly #since: number;
  readonly #devices: Device[] = [];
  readonly #said = new Map<string, Said>();
  readonly #misfortune: Misfortune;

  constructor(house: House, seed: number, draw: (pick: Pick) => Temper, report: Report) {
    this.#house = house;
    this.#seed = seed;
    this.#report = report;
    this.#pick = startRandom(seed);
    this.#since = readNewest(house.data);
    this.temper = draw(this.#pick);
    this.rooms = Array.from({ length: this.temper.rooms }, (_, i) => `#room-${seed}-${i}`);
    this.#misfortune = new Misfortune(house, this.temper.crashes, this.#pick);
    while (this.#devices.length < this.temper.clients) this.#addPerson();
  }

  async go(sums: Sums): Promise<void> {
    const lives = this.#devices.map((device, i) => {
      return new Life(device, i, i < this.temper.steady, this, startRandom(this.#pick(2 ** 31)));
    });
    await this.#misfortune.ready();
    await Promise.all(lives.map((life) => life.begin()));
    const crashes = this.#misfortune.strike(this.#devices);
    await Promise.all(lives.map((life) => life.live()));
    await crashes;
    const { entries, shown } = await audit({
      data: this.#house.data,
      devices: this.#devices,
      since: this.#since,
      isOwn: (entry) => this.#isOwn(entry),
      said: this.#said,
      pick: this.#pick,
      report: this.#report,
    });
    sums['entries of the log'] += entries;
    sums['entries shown'] += shown;
    this.#count(sums);
  }

  end(): void {
    this.isOver = true;
    for (const device of this.#devices) device.cut('close');
  }

  say(device: Device, to: string, size: number, key: string | null): void {
    const text = `${this.#seed} ${this.#said.size} ${'.'.repeat(size)}`.slice(0, 8_192);
    this.#said.set(text, { from: device.user, to, key });
    device.questions.send(to, text, key);
  }

  async another({ owner }: Device, pick: Pick): Promise<void> {
    if (owner.password === undefined || this.#devices.length >= MOST_CLIENTS) return;
    await this.#addDevice(owner, pick(2) === 0 ? undefined : this.#since, pick).enter();
  }

  #addPerson(): void {
    const isGuest = this.#pick(100) < this.temper.guests;
    const user = isGuest ? `guest-${this.#seed}-${this.names.length}` : this.#house.take();
    const usual = ownerOf(user, !this.#misfortune.forgets);
    const owner: Owner = isGuest ? { ...usual, password: undefined } : usual;
    this.names.push(isGuest ? `${user}.0` : user);
    for (let i = isGuest ? 1 : 1 + this.#pick(this.temper.devices); i > 0; i -= 1)
      this.#addDevice(owner, this.#since, this.#pick);
  }

  #addDevice(owner: Owner, after: number | undefined, pick: Pick): Device {
    const judge: Habits['judge'] = (code) => (EXPECTED.has(code) ? 'given up' : judgeStrictly(code));
    const habits: Habits = { isEager: pick(2) === 0, trustsLive: pick(2) === 0, after, judge };
    const device = new Device(owner, this.#house.port, habits, this.#report);
    this.#devices.push(device);
    return device;
  }

  #isOwn({ user, place }: StoredEntry): boolean {
    if (isRoom(place)) return this.rooms.includes(place);
    const mine = new Set(this.#devices.map(({ owner }) => owner.user));
    return [user, place].every((name) => mine.has(name) || name.startsWith(`guest-${this.#seed}-`));
  }

  #count(sums: Sums): void {
    sums.clients += this.#devices.length;
    sums['messages tried'] += this.#said.size;
    sums['threads that died'] += this.#misfortune.strikes;
    for (const { counts, losses } of this.#devices) {
      sums['connections that came in'] += counts.in;
      sums['connections lost at login'] += losses.login;
      sums['connections lost in a replay'] += losses.replay;
      sums['connections lost when live'] += losses.live;
      sums['clients told that they are too slow'] += counts.tooSlow;
    }
  }
}
