/**
 * A script of the search index: whatever happens to it, it can be brought up to date and then finds
 * everything.
 */

import { join } from 'node:path';
import { parseQuery, toMatch } from '../../../src/store/search/query.ts';
import { SearchIndex } from '../../../src/store/search/search-index.ts';
import type { FaultPlay, PlayOptions } from './fault-play.ts';

const MESSAGES = 240;
const A_STEP = 30;
const CONVERSATION = 1;
/** The most calls until it is up to date. */
const PATIENCE = 50;

export class SearchFaultPlay implements FaultPlay {
  readonly #options: PlayOptions;
  #index: SearchIndex | undefined;
  /** The last id of the log. */
  #last: number;
  readonly acknowledged = 0;

  constructor(options: PlayOptions, last = 0) {
    this.#options = options;
    this.#last = last;
  }

  get data(): string {
    return this.#options.data;
  }

  readonly steps: ReadonlyArray<() => unknown> = [
    ...Array.from({ length: MESSAGES / A_STEP }, () => () => this.#grow()),
    () => this.#find(this.#open()),
    () => this.close(),
    () => this.#grow(),
    () => this.#find(this.#open()),
  ];

  settle(): void {
    this.#checkAll(this.#open(), 'when the disk works again');
  }

  check(): void {
    this.close();
    this.#checkAll(this.#open(), 'at the end');
    this.close();
  }

  checkLeft(left: string, when: string): void {
    const index = this.#make(left);
    this.#checkAll(index, when);
    index.close();
  }

  close(): void {
    this.#index?.close();
    this.#index = undefined;
  }

  next(data: string): SearchFaultPlay {
    return new SearchFaultPlay({ ...this.#options, data }, this.#last);
  }

  #grow(): void {
    this.#last += A_STEP;
    this.#step(this.#open());
  }

  #open(): SearchIndex {
    this.#index ??= this.#make(this.data);
    return this.#index;
  }

  #make(folder: string): SearchIndex {
    const has = (id: number): boolean => id <= this.#last;
    return new SearchIndex({ file: join(folder, 'search.db'), has, warn: () => {}, partSize: 100 });
  }

  #step(index: SearchIndex): void {
    const from = index.indexed;
    const through = Math.min(this.#last, from + A_STEP);
    const rows = Array.from({ length: through - from }, (_, i) => {
      const id = from + 1 + i;
      return { id, at: 0, conversation: CONVERSATION, text: `word ${id} ${'more words '.repeat(20)}` };
    });
    if (rows.length > 0) index.add(rows, through);
  }

  #find(index: SearchIndex): readonly number[] {
    const query = parseQuery('word');
    if (query.type === 'refused') throw new Error(query.text);
    const found = index.find({
      match: toMatch(query.terms),
      intervals: [{ conversation: CONVERSATION, from: 0, to: Number.MAX_SAFE_INTEGER }],
      before: Number.MAX_SAFE_INTEGER,
      limit: 10_000,
      budgetMs: 10_000,
    });
    if (found.type !== 'found') return [];
    const isRising = found.ids.every((id, i) => id <= this.#last && id < (found.ids[i - 1] ?? Infinity));
    if (!isRising) this.#options.findings.report('damaged', `search found ${found.ids.join()}`);
    return found.ids;
  }

  #checkAll(index: SearchIndex, when: string): void {
    for (let calls = 0; calls < PATIENCE && index.indexed < this.#last; calls += 1) this.#step(index);
    const found = this.#find(index).length;
    if (found === this.#last) return;
    this.#options.findings.report('no recovery', `${when}: a search finds ${found} of ${this.#last}`);
  }
}
