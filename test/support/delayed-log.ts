/**
 * Imitates a distant log. It commits batches after a random delay, in pages of random length, some of them twice, with the
 * batches of another node in between. `PARLEY_TEST_LOG` makes a server use it, `PARLEY_TEST_LOG_MS` is the longest delay, and
 * `PARLEY_TEST_LOG_SEED` determines everything that is random. With `PARLEY_TEST_LOG_STRANGER=silent` all intents of the
 * other node are refused, for the campaigns that account for every entry of the log.
 */

import { DatabaseSync } from 'node:sqlite';
import { workerData } from 'node:worker_threads';
import type { CommittedBatch } from '../../src/chat/fold.ts';
import type { Batch, Intent } from '../../src/chat/intent.ts';
import type { Log, OnCommitted } from '../../src/store/log.ts';
import { startRandom } from './random.ts';

const LONGEST_MS = Number(process.env.PARLEY_TEST_LOG_MS ?? 200);
const IS_SILENT = process.env.PARLEY_TEST_LOG_STRANGER === 'silent';
const SEED = Number(process.env.PARLEY_TEST_LOG_SEED ?? 1);
/** How many of the latest batches may be repeated. */
const KEPT = 4;

export function openLog(position: number, onCommitted: OnCommitted): Log {
  return new DelayedLog(position, onCommitted);
}

class DelayedLog implements Log {
  readonly #onCommitted: OnCommitted;
  readonly #pick: ReturnType<typeof startRandom>;
  readonly #stranger = new Stranger();
  #position: number;
  #waiting: Batch[] = [];
  #recent: CommittedBatch[] = [];
  #timer: NodeJS.Timeout | undefined;
  #barriers: Array<() => void> = [];

  constructor(position: number, onCommitted: OnCommitted) {
    this.#position = position;
    this.#onCommitted = onCommitted;
    // After a restart the registry gets other delays than before.
    this.#pick = startRandom(SEED + position);
  }

  propose(batch: Batch): void {
    // Only plain data can cross to a distant log.
    this.#waiting.push(structuredClone(batch));
    this.#timer ??= setTimeout(() => this.#deliver(), this.#pick(LONGEST_MS + 1));
  }

  barrier(): Promise<void> {
    if (this.#waiting.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.#barriers.push(resolve));
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #deliver(): void {
    this.#timer = undefined;
    const page = this.#waiting.splice(0, 1 + this.#pick(this.#waiting.length));
    if (this.#pick(3) === 0) page.splice(this.#pick(page.length + 1), 0, this.#stranger.next());
    const committed = page.map((batch) => this.#commit(batch));
    const again = this.#pick(5) === 0 ? this.#recent : [];
    this.#recent = [...this.#recent, ...committed].slice(-KEPT);
    this.#onCommitted([...again, ...committed]);
    if (this.#waiting.length > 0) {
      this.#timer = setTimeout(() => this.#deliver(), this.#pick(LONGEST_MS + 1));
      return;
    }
    for (const resolve of this.#barriers.splice(0)) resolve();
  }

  #commit(batch: Batch): CommittedBatch {
    this.#position += 1;
    return { position: this.#position, at: Date.now(), batch };
  }
}

const NAME = 'Stranger.of.the.delayed.log';
const ROOM = '#Room.of.the.delayed.log';

/**
 * The other node. In each batch its guest joins a room, sends messages to the room and to itself, and leaves the room. Users
 * of this server must notice nothing except gaps between ids.
 */
class Stranger {
  /** The other node finds the id of its guest in the database of this server. */
  readonly #file = fileOf(workerData);
  #account = 0;
  #number = 0;

  next(): Batch {
    this.#number += 1;
    return { writer: `another ${process.pid}`, number: this.#number, intents: this.#intents() };
  }

  #intents(): Intent[] {
    if (this.#account === 0) this.#account = this.#find();
    if (this.#account === 0) return [{ kind: 'register', name: NAME, guest: true }];
    const me = { account: this.#account, user: NAME, origin: null };
    const text = `batch ${this.#number}`;
    if (IS_SILENT) {
      return [
        { kind: 'say', ...me, to: ROOM, text, key: null },
        { kind: 'leave', ...me, room: ROOM },
        { kind: 'seen', account: this.#account, id: this.#number },
      ];
    }
    return [
      { kind: 'join', ...me, room: ROOM },
      { kind: 'say', ...me, to: ROOM, text, key: null },
      { kind: 'say', ...me, to: NAME, text, key: 'always the same' },
      { kind: 'leave', ...me, room: ROOM },
    ];
  }

  #find(): number {
    if (this.#file === undefined) return 0;
    const db = new DatabaseSync(this.#file, { readOnly: true });
    try {
      const found = db.prepare('SELECT id FROM accounts WHERE name = ? AND retired = 0').get(NAME)?.id;
      return typeof found === 'number' ? found : 0;
    } finally {
      db.close();
    }
  }
}

function fileOf(data: unknown): string | undefined {
  const isRegistry = typeof data === 'object' && data !== null && 'chatDb' in data;
  return isRegistry && typeof data.chatDb === 'string' ? data.chatDb : undefined;
}
