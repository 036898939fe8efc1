/** A registry on this thread, with one shard that the test plays, and a clock that the test sets. */

import { pino } from 'pino';
import { onTestFinished } from 'vitest';
import { type ActorRef, spawn } from '../../src/actors/kernel/actor.ts';
import type { AnnouncedSession, ToShard } from '../../src/actors/link/messages.ts';
import { type RegistryMsg, registry } from '../../src/actors/registry/registry.ts';
import type { Entry } from '../../src/chat/entry.ts';
import type { OpenLog } from '../../src/store/log.ts';
import { openProjection } from '../../src/store/sqlite/projection.ts';
import { TestClock } from './clock.ts';
import { until } from './process.ts';

export type Asked = Extract<RegistryMsg, { type: 'batch' }>['items'][number];

interface DriverOptions {
  /** `chat.db`. */
  readonly file: string;
  /** The accounts that can log in. */
  readonly names?: readonly string[];
  readonly keepMs?: number;
  readonly openLog?: OpenLog;
  readonly clock?: TestClock;
  /** Sessions that the shard had before this run of the registry. */
  readonly sessions?: readonly AnnouncedSession[];
}

const ANSWERS = ['entry', 'ok', 'error', 'attached', 'live', 'behind'];

export class RegistryDriver {
  readonly clock: TestClock;
  /** Every item sent to the shard. */
  readonly sent: ToShard[] = [];
  readonly logged: Array<Readonly<Record<string, unknown>>> = [];
  readonly projection: ReturnType<typeof openProjection>;
  readonly #lastId: number;
  readonly #actor: ActorRef<RegistryMsg>;
  readonly #out = { push: (item: ToShard) => void this.sent.push(item) };

  constructor({
    file,
    names = [],
    keepMs = Number.POSITIVE_INFINITY,
    openLog,
    clock = new TestClock(),
    sessions = [],
  }: DriverOptions) {
    this.clock = clock;
    const logger = pino({}, { write: (line: string) => void this.logged.push(JSON.parse(line)) });
    const projection = openProjection(file);
    this.projection = projection;
    this.#lastId = projection.lastId;
    this.#actor = spawn('registry', registry({ projection, keepMs, logger, clock, openLog }));
    onTestFinished(() => this.#actor.stop());
    this.#actor.tell({ type: 'accounts', names });
    this.connect(sessions);
  }

  /** Starts a run of the shard's thread. */
  connect(sessions: readonly AnnouncedSession[] = []): void {
    this.#actor.tell({ type: 'shard_connected', shard: 0, out: this.#out });
    // A shard that has sessions has received everything so far.
    this.tell(['announce', 1, sessions.length > 0 ? this.#lastId : -1, sessions]);
  }

  /** The shard's thread dies. */
  disconnect(): Promise<void> {
    this.#actor.tell({ type: 'shard_gone', shard: 0, out: this.#out });
    return new Promise((resolve) => setImmediate(resolve));
  }

  /** Sends the items in one turn, without waiting for answers. */
  tell(...items: Asked[]): void {
    this.#actor.tell({ type: 'batch', shard: 0, out: this.#out, items });
  }

  /** Sends the commands in one turn, and waits for the answers. The second element of a command is its number. */
  ask(...items: Asked[]): Promise<ToShard[]> {
    this.tell(...items);
    return Promise.all(items.map((item) => this.answer(Number(item[1]))));
  }

  /** The answer to a command. The entry of a stored message is the answer to its `send`. */
  answer(asked: number): Promise<ToShard> {
    return until(`an answer to ${asked}`, () => this.answers(asked)[0], {
      state: () => JSON.stringify(this.logged),
    });
  }

  answers(asked: number): ToShard[] {
    return this.sent.filter(([kind, number]) => ANSWERS.includes(kind) && number === asked);
  }

  /** The entries sent to the shard, in order. */
  get entries(): Entry[] {
    return this.sent.flatMap((item) => (item[0] === 'entry' ? [item[2]] : []));
  }

  /** The texts of the messages among them. */
  get texts(): string[] {
    return this.entries.flatMap((entry) => ('text' in entry ? [entry.text] : []));
  }

  tick(): void {
    this.#actor.tell({ type: 'tick' });
  }

  /** Ends the registry. */
  async stop(): Promise<void> {
    this.#actor.stop();
    await this.#actor.exited;
  }

  get exited(): ActorRef<RegistryMsg>['exited'] {
    return this.#actor.exited;
  }
}
