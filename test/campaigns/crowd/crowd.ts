/**
 * People who talk in rooms and to one another, each with one device, and what each of them has got, against the log.
 *
 * Each numbers its messages and repeats what is unanswered, in order and with the same keys, so that in the log its
 * numbers must follow one another without a gap: one that is missing was lost or put out of order.
 */

import { isDeepStrictEqual } from 'node:util';
import type { Pick } from '../../support/random.ts';
import { writeCheapUsers } from '../accounts/cheap-accounts.ts';
import { ownerOf } from '../clients/owner.ts';
import { judgeStrictly } from '../clients/pending-requests.ts';
import { Device } from '../clients/resuming-client.ts';
import { checkView } from '../views/compare-views.ts';
import { type Said, Sight } from '../views/expected-view.ts';
import { checkHistory, checkReplay } from '../views/history-check.ts';
import { readEntries, type StoredEntry } from '../views/stored-log.ts';
import { KINDS, type Report } from '../views/view-faults.ts';

export const CROWD_KINDS = [...KINDS, 'token lost'] as const;

export interface Member {
  readonly name: string;
  /** Where it talks. */
  readonly rooms: readonly string[];
}

export interface CrowdOptions {
  readonly data: string;
  readonly port: number;
  readonly members: readonly Member[];
  readonly report: (kind: (typeof CROWD_KINDS)[number], detail: string) => void;
}

export class Crowd {
  /** In the order of the members. */
  readonly devices: readonly Device[];
  /** Told of each message that somebody gets to know is stored. */
  onStored: (device: Device) => void = () => {};
  readonly #options: CrowdOptions;
  readonly #said = new Map<string, Said>();
  readonly #sight: Sight;
  /** How many messages each has tried to say, and how many of them are stored. */
  readonly #tried = new Map<string, number>();
  readonly #stored = new Map<string, number>();
  /** Texts that somebody knows to be stored. */
  readonly #known = new Set<string>();
  /** Found in the log before anybody had been told so. */
  unacknowledged = 0;

  /** Makes accounts for all of them, in a new folder. */
  constructor(options: CrowdOptions) {
    const { data, members, report } = options;
    this.#options = options;
    this.#sight = new Sight(this.#said, report);
    this.devices = members.map(({ name }) => startDevice(name, options.port, report));
    for (const device of this.devices) {
      device.questions.onStored = ({ text }) => {
        this.#known.add(text);
        this.onStored(device);
      };
    }
    writeCheapUsers(
      data,
      members.map(({ name }) => name),
    );
  }

  get acknowledged(): number {
    return this.#known.size;
  }

  /** All come in for the first time, and join their rooms. */
  async enter(): Promise<void> {
    for (const [i, device] of this.devices.entries()) {
      if ((await device.enter()) !== 'in') throw new Error(`${device.state()} was not let in`);
      for (const room of this.#options.members[i]?.rooms ?? []) {
        const answer = await device.questions.move('join', room);
        if (answer?.[0] !== 'ok') throw new Error(`${device.state()} could not join ${room}`);
      }
    }
  }

  /** Says something to somebody or in a room, or keeps it until the connection is back. */
  talk(device: Device, pick: Pick, padding: number): void {
    const { user } = device;
    const rooms = this.#options.members.find(({ name }) => name === user)?.rooms ?? [];
    const somebody = this.devices[pick(this.devices.length)]?.user;
    const to = (pick(3) === 0 ? somebody : rooms[pick(rooms.length)]) ?? user;
    const number = this.#tried.get(user) ?? 0;
    this.#tried.set(user, number + 1);
    const text = `${user} ${number} to ${to} ${'.'.repeat(pick(padding))}`;
    const key = `key-${user}-${number}`.padEnd(20, '-');
    this.#said.set(text, { from: user, to, key });
    device.questions.send(to, text, key);
  }

  /** They are live, and what they have said is acknowledged. */
  async settle(devices: readonly Device[]): Promise<void> {
    for (const device of devices) await device.until('end of all that is under way', () => device.isSettled);
  }

  /** Compares what the log holds, and stands still, with what anybody has got since the last time. */
  check(): void {
    const { data, report } = this.#options;
    const entries = readEntries(data, this.#sight.newest);
    this.#sight.add(entries);
    for (const entry of entries) if (entry.kind === 'message') this.#checkOrder(entry);
    for (const { owner, views, counts } of this.devices) {
      for (const view of views) checkView(view, this.#sight, report);
      if (counts.badToken > 0) report('token lost', `${owner.user}: ${counts.badToken} times`);
    }
  }

  /** Where these were told at their login that they are, against what the log held before it. */
  checkRooms(devices: readonly Device[]): void {
    const sight = this.#sight;
    for (const { user, rooms } of devices) {
      const due = sight.rooms.filter((room) => sight.membersOf(room).includes(user));
      if (rooms.toSorted().join() === due.toSorted().join()) continue;
      this.#options.report(
        'lost',
        `${user} is told to be in ${rooms.join()}, and should be in ${due.join()}`,
      );
    }
  }

  /** How they came back, all together. */
  counts(): { login: number; resume: number; notYet: number } {
    const sums = { login: 0, resume: 0, notYet: 0 };
    for (const { counts } of this.devices) {
      sums.login += counts.login;
      sums.resume += counts.resume;
      sums.notYet += counts.notYet;
    }
    return sums;
  }

  /** Joins and leaves of a member in the log. */
  movesOf(user: string): number {
    return this.#sight.entries.filter((entry) => entry.kind !== 'message' && entry.user === user).length;
  }

  /** Everything is acknowledged, and everybody has got everything. */
  async finish(): Promise<void> {
    await this.settle(this.devices);
    this.check();
    for (const device of this.devices) {
      const newest = this.#sight.ofUser(device.user).at(-1)?.id ?? 0;
      // What does not come is reported as a gap.
      await device.until('last entry', () => device.cursor >= newest).catch(() => {});
      for (const view of device.views) view.isWhole = true;
    }
    this.check();
  }

  /** The whole log once more, from its beginning: whatever was there at a check must still be, and nothing else. */
  checkAgain(): void {
    const { data, report } = this.#options;
    const { entries } = this.#sight;
    const again = readEntries(data, 0);
    const place = entries.findIndex((entry, i) => !isDeepStrictEqual(entry, again[i]));
    if (place === -1 && again.length === entries.length) return;
    report('lost', `${again.length} entries for ${entries.length}; number ${place} is another one, or gone`);
  }

  /** Everybody reads the whole past again. */
  async checkPast(): Promise<void> {
    const { port, report } = this.#options;
    const told: Report = (kind, detail) => report('not readable', `${kind}: ${detail}`);
    for (const { owner } of this.devices) {
      const device = await checkReplay(owner, port, 0, this.#sight, told);
      await checkHistory(device, this.#sight, told);
      device.cut('close');
    }
  }

  #checkOrder({ id, user, text }: StoredEntry): void {
    if (!this.#known.has(text)) this.unacknowledged += 1;
    const due = this.#stored.get(user) ?? 0;
    const number = Number(text.split(' ')[1]);
    if (number !== due)
      this.#options.report('out of order', `message ${id} is ${user} ${number} where ${due} is due`);
    this.#stored.set(user, number + 1);
  }
}

/** Of somebody who may say all that they say, and repeats it in order. */
export function startDevice(user: string, port: number, report: Report): Device {
  const habits = { isEager: true, trustsLive: true, after: 0, judge: judgeStrictly };
  return new Device(ownerOf(user), port, habits, report);
}
