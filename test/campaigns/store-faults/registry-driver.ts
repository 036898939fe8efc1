/**
 * Drives a registry and its log in this thread, as the only shard of a server: batches in, answers and
 * entries out, one turn at a time.
 */

import { join } from 'node:path';
import { pino } from 'pino';
import { type ActorRef, spawn } from '../../../src/actors/kernel/actor.ts';
import type { AnnouncedSession, Command, ToRegistry, ToShard } from '../../../src/actors/link/messages.ts';
import { type RegistryMsg, registry } from '../../../src/actors/registry/registry.ts';
import type { Entry } from '../../../src/chat/entry.ts';
import type { Clock } from '../../../src/common/clock.ts';
import { openProjection } from '../../../src/store/sqlite/projection.ts';
import type { Findings } from '../campaign.ts';
import { describe } from './fault-play.ts';

const SILENT = pino({ level: 'silent' });
/** Event loop turns that the registry gets to answer, and to do background work. */
const PATIENCE = 1_000;
const TICK_TURNS = 4;

export class RegistryDriver {
  readonly #file: string;
  #passedMs = 0;
  readonly #clock: Clock = {
    wall: () => Date.now() + this.#passedMs,
    monotonic: () => performance.now() + this.#passedMs,
  };
  readonly #findings: Findings;
  #actor: ActorRef<RegistryMsg> | undefined;
  #incarnation = 1;
  #number = 0;
  #handled = 0;
  #inbox: ToShard[] = [];
  /** Answers by command number. An entry answers the command it came from. */
  readonly #answers = new Map<number, ToShard>();
  /** Everything routed to the shard, in order, each entry once. */
  readonly routed: Entry[] = [];

  constructor(data: string, findings: Findings) {
    this.#file = join(data, 'chat.db');
    this.#findings = findings;
  }

  get isRunning(): boolean {
    return this.#actor !== undefined;
  }

  /** The last routed id; −1 for none. */
  get cursor(): number {
    return this.routed.at(-1)?.id ?? -1;
  }

  /** `names` are the users who can log in. False if the log cannot be opened or read. */
  async start(names: readonly string[], sessions: readonly AnnouncedSession[]): Promise<boolean> {
    this.#actor = this.#spawn(names);
    if (this.#actor === undefined) return false;
    this.#handled = 0;
    const out = { push: (item: ToShard) => void this.#inbox.push(item) };
    this.#actor.tell({ type: 'shard_connected', shard: 0, out });
    this.#send = (items) => void this.#actor?.tell({ type: 'batch', shard: 0, out, items });
    this.#send([['announce', this.#incarnation, this.cursor, sessions]]);
    await this.#until(() => this.#inbox.some((item) => item[0] === 'caught_up'), 'caught_up');
    this.#take();
    return true;
  }

  /** Stops the registry, as at the end of the server. */
  stop(): void {
    const actor = this.#actor;
    this.#actor = undefined;
    try {
      actor?.stop();
    } catch (error) {
      this.#findings.report('died', `while it was stopped: ${describe(error)}`);
    }
  }

  /** Starts a new run of the shard's thread, which knows nothing. */
  forget(): void {
    this.#incarnation += 1;
    this.routed.length = 0;
  }

  /** Advances the clock of the registry and its log. */
  pass(ms: number): void {
    this.#passedMs += ms;
  }

  async tick(): Promise<void> {
    this.#actor?.tell({ type: 'tick' });
    for (let turns = 0; turns < TICK_TURNS; turns += 1) await new Promise(setImmediate);
    this.#take();
  }

  /** Sends a command for each item, all in one batch. Returns the items that got an answer, in order. */
  async ask<T>(
    items: readonly T[],
    make: (item: T, number: number) => Command,
  ): Promise<Array<readonly [item: T, answer: ToShard]>> {
    if (!this.isRunning) return [];
    const commands = items.map((item) => {
      this.#number += 1;
      return make(item, this.#number);
    });
    this.#send(commands);
    const numbers = commands.map((command) => command[1]);
    const isAnswered = (): boolean => {
      this.#take();
      return numbers.every((number) => this.#answers.has(number));
    };
    await this.#until(isAnswered, `answers to ${commands.map((command) => command[0]).join(', ')}`);
    return items.flatMap((item, i) => {
      const answer = this.#answers.get(numbers[i] ?? 0);
      return answer === undefined ? [] : [[item, answer] as const];
    });
  }

  #send: (items: readonly ToRegistry[]) => void = () => {};

  #spawn(names: readonly string[]): ActorRef<RegistryMsg> | undefined {
    let isStarting = true;
    try {
      const projection = openProjection(this.#file);
      const options = { projection, keepMs: Number.POSITIVE_INFINITY, logger: SILENT, clock: this.#clock };
      const actor = spawn('registry', registry(options));
      actor.watch((reason) => {
        this.#actor = undefined;
        if (reason.type !== 'failed') return;
        if (isStarting) projection.close();
        else this.#findings.report('died', describe(reason.error));
      });
      const hasStarted = actor.tell({ type: 'accounts', names });
      isStarting = false;
      return hasStarted ? actor : undefined;
    } catch {
      return undefined;
    }
  }

  #take(): void {
    const items = this.#inbox;
    this.#inbox = [];
    let entries = 0;
    for (const item of items) {
      switch (item[0]) {
        case 'entry': {
          const [, number, entry] = item;
          entries += 1;
          // A restarted registry sends again what it cannot know was received.
          if (entry.id > this.cursor) this.routed.push(entry);
          if (entry.kind === 'message' || entry.kind === 'direct') this.#answers.set(number, item);
          break;
        }
        case 'ok':
        case 'error':
        case 'attached':
        case 'live':
        case 'behind':
          this.#answers.set(item[1], item);
          break;
        default:
      }
    }
    if (entries === 0) return;
    this.#handled += entries;
    this.#send([['handled', this.#handled]]);
  }

  async #until(condition: () => boolean, what: string): Promise<void> {
    for (let turns = 0; turns < PATIENCE; turns += 1) {
      if (condition()) return;
      await new Promise(setImmediate);
    }
    this.#findings.report('no answer', what);
  }
}
