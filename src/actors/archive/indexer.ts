/**
 * Keeps the search index up with the log: a little at a time, so that whoever asks the archive for something waits for
 * one step at most. While very much is said it waits: chat comes first, and to take a text into the index costs more than to
 * store and deliver it.
 */

import type { Logger } from 'pino';
import type { SearchIndex } from '../../store/search/search-index.ts';
import type { Archive } from '../../store/sqlite/archive.ts';

/** Entries that one step takes in: about 5 ms, and 20 at most. */
const STEP = 500;
/** Entries between two calls of `run` from which on the index waits, and how many of them it may be behind because of that. */
const BUSY = 2_000;
const LAG_LIMIT = 1_000_000;
/** How long after a fault of the disk it is tried again. */
const RETRY_MS = 5_000;

export class Indexer {
  readonly #archive: Archive;
  readonly #index: SearchIndex;
  readonly #logger: Logger;
  #running: Promise<void> | undefined;
  #retryAt = 0;
  /** The index has nothing below this id any more. */
  #removed = 0;
  /** The newest id at the last look, and how many entries have come since the index had everything. */
  #looked: number | undefined;
  #lag = 0;

  constructor(archive: Archive, index: SearchIndex, logger: Logger) {
    this.#archive = archive;
    this.#index = index;
    this.#logger = logger;
  }

  /** Takes in all that the log has and the index lacks, unless that is under way or has to wait. Call it once a second. */
  run(): Promise<void> {
    if (this.#mustWait()) return Promise.resolve();
    this.#running ??= this.#catchUp().finally(() => {
      this.#lag = 0;
      this.#running = undefined;
    });
    return this.#running;
  }

  /** Takes in what lacks up to `id`, if that is little. False if something still lacks. */
  hasUpTo(id: number, steps: number): boolean {
    for (let step = 0; step < steps && this.#index.indexed < id; step += 1) if (!this.#step()) break;
    return this.#index.indexed >= id;
  }

  #mustWait(): boolean {
    let mustWait = false;
    this.#try(() => {
      const { lastId } = this.#archive;
      const fresh = this.#archive.count(this.#looked ?? lastId, lastId);
      this.#looked = lastId;
      this.#lag += fresh;
      mustWait = fresh >= BUSY && this.#lag < LAG_LIMIT;
      return false;
    });
    return mustWait;
  }

  async #catchUp(): Promise<void> {
    while (this.#step() || this.#removePruned()) await new Promise(setImmediate);
  }

  /** True if there may be more to do. */
  #step(): boolean {
    return this.#try(() => {
      const { indexed } = this.#index;
      const { texts, through } = this.#archive.textsAfter(indexed, STEP);
      if (through === indexed) return false;
      const outcome = this.#index.add(texts, through);
      if (outcome.type === 'added' || outcome.type === 'reopened') return true;
      this.#rest();
      return false;
    });
  }

  /** True if there is more to remove of what is no longer in the log. */
  #removePruned(): boolean {
    return this.#try(() => {
      const { firstId } = this.#archive;
      if (firstId <= this.#removed) return false;
      const removed = this.#index.remove(firstId);
      if (removed.type !== 'removed') return false;
      if (removed.isDone) this.#removed = firstId;
      return !removed.isDone;
    });
  }

  #try(work: () => boolean): boolean {
    if (performance.now() < this.#retryAt) return false;
    try {
      return work();
    } catch (err) {
      if (!(err instanceof Error && 'errcode' in err)) throw err;
      this.#logger.error({ event: 'archive.failed', err }, 'the log could not be read for the search index');
      this.#rest();
      return false;
    }
  }

  #rest(): void {
    this.#retryAt = performance.now() + RETRY_MS;
  }
}
