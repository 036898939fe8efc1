/**
 * A person who joins and leaves a room again and again while others talk there: what was acknowledged must hold over a
 * kill, and what it gets must be what was said between each join and the leave after it.
 */

import { until } from '../support/process.ts';
import type { Pick } from '../transport/hostile.ts';
import type { Findings } from './campaign.ts';
import { passwordOf } from './cheap-users.ts';
import { type Frame, Link } from './link.ts';
import type { Got } from './oracle.ts';
import type { StoredMessage, StoredMove } from './stored.ts';

export interface MoverOptions {
  readonly name: string;
  readonly room: string;
  readonly port: number;
  readonly findings: Findings;
  readonly pick: Pick;
}

export class Mover {
  readonly name: string;
  readonly room: string;
  /** All that it must have got, in order. */
  readonly due: StoredMessage[] = [];
  moves = 0;
  isLive = false;
  readonly #options: MoverOptions;
  #cursor = 0;
  #got: Got[] = [];
  /** How many of `due` it has got. */
  #count = 0;
  /** Ids of the answers that it got since the last check. */
  #acknowledged: number[] = [];
  /** Whether it is in the room, as the log has it. */
  #isIn = false;
  #newestMove = 0;
  #link: Link | undefined;
  #timer: NodeJS.Timeout | undefined;
  #entering = 0;
  #next: 'join' | 'leave' = 'join';
  #isMoving = false;
  #isResting = false;

  constructor(options: MoverOptions) {
    this.name = options.name;
    this.room = options.room;
    this.#options = options;
  }

  get isConnected(): boolean {
    return this.#link !== undefined;
  }

  /** Comes in, and begins to move. */
  async enter(): Promise<void> {
    const link = await Link.open(this.#options.port, this);
    if (link === undefined) throw new Error('nobody listens');
    this.#link = link;
    this.#entering = link.request('login', this.name, passwordOf(this.name), this.#cursor);
    await until(`${this.name} to be back`, () => this.isLive || this.#link === undefined);
  }

  /** Moves no more; resolves when the last move has its answer. */
  async rest(): Promise<void> {
    this.#isResting = true;
    clearTimeout(this.#timer);
    await until(`${this.name} to rest`, () => !this.#isMoving);
  }

  frame(frame: Frame): void {
    const [type, id, result] = frame;
    switch (type) {
      case 'ok':
        if (id === this.#entering) this.#entered(result);
        else if (Array.isArray(result)) this.#moved(Number(result[0]));
        break;
      case 'error':
        this.#options.findings.report('refused', `${this.name}: ${JSON.stringify(frame)}`);
        this.#isMoving = false;
        break;
      case 'message':
        this.#heard(frame);
        break;
      case 'joined':
      case 'left':
        this.#cursor = Math.max(this.#cursor, Number(id));
        break;
      case 'live':
        this.isLive = true;
        this.#later();
        break;
      default:
    }
  }

  ended(): void {
    clearTimeout(this.#timer);
    this.#link = undefined;
    this.isLive = false;
    this.#isMoving = false;
  }

  /** What the log holds behind the last check; and then what was got of it. */
  check(messages: readonly StoredMessage[], moves: readonly StoredMove[]): void {
    const { findings } = this.#options;
    const ids = new Set(moves.map((move) => move.id));
    for (const id of this.#acknowledged) {
      if (!ids.has(id)) findings.report('lost', `a join or leave of ${this.name}, acknowledged as ${id}`);
    }
    if (moves.length > this.#acknowledged.length + 1) {
      findings.report(
        'never attempted',
        `${moves.length - this.#acknowledged.length} joins or leaves more than were asked`,
      );
    }
    this.#acknowledged = [];
    this.moves += moves.length;
    this.#newestMove = moves.at(-1)?.id ?? this.#newestMove;
    this.#fold(messages, moves);
    for (const { id, text } of this.#got) {
      const next = this.due[this.#count];
      if (next?.id !== id || next.text !== text) {
        findings.report('gap', `${this.name} got ${id} "${text.slice(0, 40)}" where ${next?.id} was due`);
        return;
      }
      this.#count += 1;
    }
    this.#got = [];
  }

  get newestMove(): number {
    return this.#newestMove;
  }

  get hasEverything(): boolean {
    return this.#count + this.#got.length >= this.due.length;
  }

  #fold(messages: readonly StoredMessage[], moves: readonly StoredMove[]): void {
    const all = [...messages.filter(({ to }) => to === this.room), ...moves].toSorted((a, b) => a.id - b.id);
    for (const entry of all) {
      if (!('verb' in entry)) {
        if (this.#isIn) this.due.push(entry);
      } else {
        const isJoin = entry.verb === 'join';
        if (isJoin === this.#isIn) {
          this.#options.findings.report(
            'duplicated',
            `${entry.verb} ${entry.id} of ${this.name} follows another`,
          );
        }
        this.#isIn = isJoin;
      }
    }
    // What had no answer may have been carried out or not.
    this.#next = this.#isIn ? 'leave' : 'join';
  }

  /** The log was read when the server was dead: the server must have the same idea of it. */
  #entered(result: unknown): void {
    const told = JSON.stringify(result).includes(`"${this.room}"`);
    if (told !== this.#isIn) {
      this.#options.findings.report(
        'lost',
        `${this.name} is told to be ${told ? 'in' : 'not in'} ${this.room}`,
      );
    }
  }

  #moved(id: number): void {
    if (id <= this.#cursor) this.#options.findings.report('out of order', `${this.name} moved at ${id}`);
    this.#cursor = Math.max(this.#cursor, id);
    this.#acknowledged.push(id);
    this.#isMoving = false;
    this.#next = this.#next === 'join' ? 'leave' : 'join';
    this.#later();
  }

  #later(): void {
    if (this.#isResting) return;
    this.#timer = setTimeout(() => {
      this.#isMoving = true;
      this.#link?.request(this.#next, this.room);
    }, this.#options.pick(20));
  }

  #heard([, id, , from, to, text]: Frame): void {
    if (Number(id) <= this.#cursor) this.#options.findings.report('repeat', `${this.name} got ${String(id)}`);
    this.#cursor = Math.max(this.#cursor, Number(id));
    this.#got.push({ id: Number(id), from: String(from), to: String(to), text: String(text) });
  }
}
