/**
 * Keeps the search index up to date with the log, in small steps, so that a request to the archive waits for one step
 * at most. It pauses under heavy traffic: chat comes first, and indexing a text costs more than storing and delivering
 * it.
 */

import type { Logger } from 'pino';
import { StorageFailure } from '../../chat/projection.ts';
import type { TextSource } from '../../store/archive-store.ts';
import type { SearchIndex } from '../../store/search/search-index.ts';

/** Entries per step: about 5 ms, at most 20. */
const STEP_ENTRIES = 500;
/**
 * Entries between two calls of `run` that count as heavy traffic, and how far the index may fall behind because of
 * that.
 */
const BUSY_ENTRIES = 2_000;
const LAG_LIMIT = 1_000_000;
/** The delay before retrying after a disk error. */
const RETRY_MS = 5_000;

export class Indexer {
  readonly #archive: TextSource;
  readonly #index: SearchIndex;
  readonly #logger: Logger;
  #running: Promise<void> | undefined;
  #retryAt = 0;
  /** Everything below this id has been removed from the index. */
  #removed = 0;
  /** The newest id at the last check, and how many entries have arrived since the index was complete. */
  #checkedId: number | undefined;
  #lag = 0;

  constructor(archive: TextSource, index: SearchIndex, logger: Logger) {
    this.#archive = archive;
    this.#index = index;
    this.#logger = logger;
  }

  /** Indexes everything missing from the index, unless that is in progress or must wait. Call once a second. */
  run(): Promise<void> {
    if (this.#mustWait()) return Promise.resolve();
    this.#running ??= this.#catchUp().finally(() => {
      this.#lag = 0;
      this.#running = undefined;
    });
    return this.#running;
  }

  /** Indexes the entries up to `id`, if only few are missing. False if some still are. */
  hasUpTo(id: number, steps: number): boolean {
    for (let step = 0; step < steps && this.#index.indexed < id; step += 1) if (!this.#step()) break;
    return this.#index.indexed >= id;
  }

  #mustWait(): boolean {
    let mustWait = false;
    this.#try(() => {
      const { lastId } = this.#archive;
      const fresh = this.#archive.count(this.#checkedId ?? lastId, lastId);
      this.#checkedId = lastId;
      this.#lag += fresh;
      mustWait = fresh >= BUSY_ENTRIES && this.#lag < LAG_LIMIT;
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
      const { texts, through } = this.#archive.textsAfter(indexed, STEP_ENTRIES);
      if (through === indexed) return false;
      const outcome = this.#index.add(texts, through);
      if (outcome.type === 'added' || outcome.type === 'reopened') return true;
      this.#backOff();
      return false;
    });
  }

  /** Removes entries that the log no longer has. True if there are more to remove. */
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
      if (!(err instanceof StorageFailure)) throw err;
      this.#logger.error({ event: 'archive.failed', err }, 'the log could not be read for the search index');
      this.#backOff();
      return false;
    }
  }

  #backOff(): void {
    this.#retryAt = performance.now() + RETRY_MS;
  }
}
