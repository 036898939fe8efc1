/**
 * The queue in front of the display. One write at a time, each with all that has gathered. What cannot be written
 * because of the disk, or because no display is open yet, is kept; the queue is bounded by whoever fills it (see
 * `ReaderLink`).
 */

import type { Display } from './display/display.ts';
import type { DisplayRecord } from './display/record.ts';

/** How long a failed write waits for its next try, and how long closing waits for the last one. In ms. */
const RETRY_MS = 1_000;
const CLOSE_MS = 3_000;
/** Records in one write: the display renders them all before it writes. */
const BATCH_LIMIT = 1_000;

export interface Waiting {
  /** Nothing where only the end of a chunk is to be told. */
  readonly record: DisplayRecord | undefined;
  /** Called when the record, and all before it, are in the file. */
  written?(): void;
}

export type Trouble =
  | { readonly type: 'failed'; readonly text: string }
  | { readonly type: 'recovered' }
  /** No write will work again. */
  | { readonly type: 'lost'; readonly text: string };

export class Recorder {
  #display: Display | undefined;
  readonly #report: (trouble: Trouble) => void;
  #waiting: Waiting[] = [];
  #writing: Promise<void> | undefined;
  #isTroubled = false;
  #isLost = false;

  constructor(report: (trouble: Trouble) => void) {
    this.#report = report;
  }

  /** Where everything goes, also what was added before. */
  open(display: Display): void {
    this.#display = display;
    this.#start(display);
  }

  add(waiting: Waiting): void {
    this.#waiting.push(waiting);
    if (this.#display !== undefined) this.#start(this.#display);
  }

  /** Waits for what is in the queue, but not forever, and closes the display. */
  async close(): Promise<void> {
    const late = Promise.withResolvers<void>();
    const deadline = setTimeout(late.resolve, CLOSE_MS);
    await Promise.race([this.#writing, late.promise]);
    clearTimeout(deadline);
    this.#isLost = true;
    await this.#display?.close();
  }

  #start(display: Display): void {
    this.#writing ??= this.#writeAll(display);
  }

  async #writeAll(display: Display): Promise<void> {
    // Gathers what the rest of this turn adds.
    await Promise.resolve();
    while (this.#waiting.length > 0 && !this.#isLost) {
      const batch = this.#waiting.slice(0, BATCH_LIMIT);
      const records = batch.flatMap(({ record }) => record ?? []);
      if (await this.#write(display, records)) {
        this.#waiting.splice(0, batch.length);
        for (const { written } of batch) written?.();
      } else if (!this.#isLost) {
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
    // In the same turn in which the queue was seen to be empty: what is added later starts again.
    this.#writing = undefined;
  }

  async #write(display: Display, records: readonly DisplayRecord[]): Promise<boolean> {
    if (records.length === 0) return true;
    const written = await display.append(records);
    if (written.type === 'written') {
      if (this.#isTroubled) this.#report({ type: 'recovered' });
      this.#isTroubled = false;
      return true;
    }
    if (written.code === 'lost' || written.code === 'closed') {
      this.#isLost = true;
      this.#report({ type: 'lost', text: written.text });
    } else if (!this.#isTroubled) {
      this.#isTroubled = true;
      this.#report({ type: 'failed', text: written.text });
    }
    return false;
  }
}
