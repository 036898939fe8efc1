/** The users of a log script: the rooms they want to be in, what they send, and the answers they get. */

import type { ToShard } from '../../../src/actors/link/messages.ts';
import type { Findings } from '../campaign.ts';
import type { Attempt, SendOutcomes } from '../disk/send-outcomes.ts';
import type { RegistryDriver } from './registry-driver.ts';

/** Refusals that follow from a join or an account that could not be stored. */
const NOT_ALLOWED = new Set<string>(['not_a_member', 'no_such_room', 'no_such_user']);

/** A user's connection. */
interface Seat {
  readonly connection: number;
  readonly user: string;
  readonly isGuest: boolean;
  /** The account's id; undefined until attached. */
  account: number | undefined;
}

interface Move {
  readonly user: string;
  readonly room: string;
  readonly verb: 'join' | 'leave';
}

export class LogUsers {
  readonly #registry: RegistryDriver;
  readonly #outcomes: SendOutcomes;
  readonly #findings: Findings;
  /** Users who can log in. */
  readonly #names: string[] = [];
  #seats: Seat[] = [];
  #connections = 0;
  /** The rooms each user wants to be in. */
  readonly #rooms = new Map<string, Set<string>>();

  constructor(registry: RegistryDriver, outcomes: SendOutcomes, findings: Findings) {
    this.#registry = registry;
    this.#outcomes = outcomes;
    this.#findings = findings;
  }

  /** Adds a user of the password store, who wants to log in. */
  add(user: string): void {
    this.#names.push(user);
    this.#sit(user, false);
  }

  /** Takes over the users of a process that died. */
  takeOver(other: LogUsers): void {
    this.#names.push(...other.#names);
    this.#seats = other.#seats;
    this.#connections = other.#connections;
    for (const [user, rooms] of other.#rooms) this.#rooms.set(user, rooms);
    this.forget();
  }

  /** Drops all connections. */
  forget(): void {
    this.#registry.forget();
    for (const seat of this.#seats) seat.account = undefined;
  }

  /** False if the registry cannot start. */
  async start(): Promise<boolean> {
    const sessions = this.#seats.flatMap(({ connection, account, user }) =>
      account === undefined ? [] : [[connection, account, user, true] as const],
    );
    if (!(await this.#registry.start(this.#names, sessions))) return false;
    await this.attach();
    return true;
  }

  /** Attaches every user who is not attached. */
  async attach(): Promise<void> {
    const outside = this.#seats.filter(({ account }) => account === undefined);
    const answers = await this.#registry.ask(outside, ({ connection, user, isGuest }, number) => [
      'attach',
      number,
      connection,
      user,
      isGuest,
      null,
    ]);
    for (const [seat, answer] of answers) {
      if (answer[0] === 'attached') seat.account = answer[2];
      else if (!isStorageRefusal(answer)) this.#odd(`attach of ${seat.user}`, answer);
    }
  }

  async guestComes(user: string): Promise<void> {
    this.#sit(user, true);
    await this.attach();
  }

  async guestGoes(user: string): Promise<void> {
    const seat = this.#present(user);
    this.#seats = this.#seats.filter((other) => other.user !== user);
    const gone = seat === undefined ? [] : [seat];
    const answers = await this.#registry.ask(gone, ({ connection }, number) => [
      'detach',
      number,
      connection,
    ]);
    for (const [, answer] of answers) if (answer[0] !== 'ok') this.#odd('detach', answer);
  }

  /** Sends these in one batch, each over its author's connection. Users without a connection send nothing. */
  async say(...attempts: readonly Attempt[]): Promise<void> {
    const able = attempts.filter(({ from }) => this.#connectionOf(from) !== undefined);
    for (const attempt of able) this.#outcomes.askAgain(attempt);
    const answers = await this.#registry.ask(able, ({ from, to, text, key }, number) => [
      'send',
      number,
      this.#connectionOf(from) ?? 0,
      to,
      text,
      key,
    ]);
    for (const [attempt, answer] of answers) this.#judge(attempt, answer);
  }

  /** Joins and leaves in one batch. */
  async move(...moves: ReadonlyArray<readonly [user: string, room: string, verb?: 'leave']>): Promise<void> {
    for (const [user, room, verb] of moves) {
      const rooms = this.#rooms.get(user) ?? new Set();
      if (verb === undefined) rooms.add(room);
      else rooms.delete(room);
      this.#rooms.set(user, rooms);
    }
    await this.#go(moves.map(([user, room, verb = 'join' as const]) => ({ user, room, verb })));
  }

  /** Moves everybody into the rooms they want to be in. */
  async moveAgain(rooms: readonly string[]): Promise<void> {
    const moves = this.#names.flatMap((user) =>
      rooms.map((room) => {
        const isWanted = this.#rooms.get(user)?.has(room) === true;
        return { user, room, verb: isWanted ? ('join' as const) : ('leave' as const) };
      }),
    );
    await this.#go(moves);
  }

  /** Marks everything as seen by everybody. */
  async see(): Promise<void> {
    const { cursor } = this.#registry;
    const seats = this.#seats.filter(({ account }) => account !== undefined);
    const answers = await this.#registry.ask(seats, ({ connection }, number) => [
      'seen',
      number,
      connection,
      cursor,
    ]);
    for (const [, answer] of answers)
      if (answer[0] !== 'ok' && !isStorageRefusal(answer)) this.#odd('seen', answer);
  }

  /** The list of rooms and the members of these, as text. */
  async rooms(names: readonly string[]): Promise<string> {
    const connection = this.#seats[0]?.connection ?? 0;
    const answers = await this.#registry.ask([null, ...names], (room, number) =>
      room === null ? ['rooms', number, connection, null] : ['who', number, connection, room, null],
    );
    return answers.map(([, answer]) => firstsIn(answer[2])).join(' / ');
  }

  #sit(user: string, isGuest: boolean): void {
    this.#connections += 1;
    this.#seats.push({ connection: this.#connections, user, isGuest, account: undefined });
  }

  #connectionOf(user: string): number | undefined {
    return this.#present(user)?.connection;
  }

  #present(user: string): Seat | undefined {
    return this.#seats.find((seat) => seat.user === user && seat.account !== undefined);
  }

  async #go(moves: readonly Move[]): Promise<void> {
    const able = moves.filter(({ user }) => this.#connectionOf(user) !== undefined);
    const answers = await this.#registry.ask(able, ({ verb, user, room }, number) => [
      verb,
      number,
      this.#connectionOf(user) ?? 0,
      room,
    ]);
    for (const [move, answer] of answers) {
      const isRefusedLeave = answer[0] === 'error' && move.verb === 'leave';
      if (answer[0] === 'ok' || isRefusedLeave || isStorageRefusal(answer)) continue;
      this.#odd(JSON.stringify(move), answer);
    }
  }

  #judge(attempt: Attempt, answer: ToShard): void {
    if (answer[0] === 'entry') this.#outcomes.stored(attempt, answer[2].id);
    else if (answer[0] === 'ok') this.#outcomes.stored(attempt, idIn(answer[2]));
    else if (answer[0] === 'error' && (isStorageRefusal(answer) || NOT_ALLOWED.has(answer[2])))
      this.#outcomes.refused(attempt, answer[2]);
    else this.#odd('send', answer);
  }

  #odd(what: string, answer: ToShard): void {
    this.#findings.report('odd answer', `${what}: ${JSON.stringify(answer)}`);
  }
}

function isStorageRefusal(answer: ToShard): boolean {
  return answer[0] === 'error' && (answer[2] === 'storage_full' || answer[2] === 'storage_failed');
}

function idIn(result: unknown): number {
  return Array.isArray(result) ? Number(result[0]) : Number.NaN;
}

function firstsIn(page: unknown): string {
  if (!Array.isArray(page) || !Array.isArray(page[0])) return String(page);
  return page[0].map((row) => String(Array.isArray(row) ? row[0] : row)).join();
}
