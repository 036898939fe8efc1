/**
 * The queue in front of the display. One write at a time, each with all that has gathered. What cannot be written
 * because of the disk, or because no display is open, is kept; the queue is bounded by whoever fills it (see
 * `ReaderLink`). A page that is full, or that somebody took away, is left for a fresh one.
 */

import { cleanLine } from '../../common/escape-html.ts';
import type { Display } from '../display/display.ts';
import type { DisplayRecord } from '../display/display-record.ts';
import type { Connection } from '../display/live.ts';
import type { Opened } from '../display/open-display.ts';

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
  | { readonly type: 'recovered'; readonly text: string };

/** Opens a fresh page where the display is. One that is there already is set aside. */
export type Reopen = () => Promise<Opened>;

export class Recorder {
  #display: Display | undefined;
  #reopen: Reopen | undefined;
  readonly #report: (trouble: Trouble) => void;
  #renewed: (oldest: number | undefined) => void = () => {};
  #waiting: Waiting[] = [];
  #writing: Promise<void> | undefined;
  #connection: Connection | undefined;
  /** Own messages that the server has not acknowledged, by their tags: a fresh page needs them too. */
  readonly #pending = new Map<string, DisplayRecord>();
  /** What a fresh page begins with, until it is written. */
  #beginning: readonly DisplayRecord[] = [];
  /** Somebody took the last page away. */
  #isLost = false;
  /** What was reported last and is still so. */
  #trouble: string | undefined;
  #isOver = false;

  constructor(report: (trouble: Trouble) => void) {
    this.#report = report;
  }

  /** `renewed` is told that a fresh page has taken the place of the last, and the lowest id that is yet to come. */
  onRenewal(renewed: (oldest: number | undefined) => void): void {
    this.#renewed = renewed;
  }

  /** Where everything goes, also what was added before. */
  open(display: Display, reopen: Reopen): void {
    this.#reopen = reopen;
    this.#use(display);
    this.#start();
  }

  add(waiting: Waiting): void {
    this.#waiting.push(waiting);
    this.#start();
  }

  /** Tells open pages how the client is connected from here on. */
  connection(connection: Connection): void {
    this.#connection = connection;
    this.#display?.connection(connection);
  }

  /** Waits for what is in the queue, but not forever, and closes the display. Returns how many records it lacks. */
  async close(): Promise<number> {
    const late = Promise.withResolvers<void>();
    const deadline = setTimeout(late.resolve, CLOSE_MS);
    await Promise.race([this.#writing, late.promise]);
    clearTimeout(deadline);
    this.#isOver = true;
    await this.#display?.close();
    return this.#waiting.filter(({ record }) => record !== undefined).length;
  }

  #use(display: Display): void {
    this.#display = display;
    if (this.#connection !== undefined) display.connection(this.#connection);
  }

  #start(): void {
    if (this.#reopen !== undefined) this.#writing ??= this.#writeAll(this.#reopen);
  }

  async #writeAll(reopen: Reopen): Promise<void> {
    // Gathers what the rest of this turn adds.
    await Promise.resolve();
    while (this.#waiting.length > 0 && !this.#isOver) {
      const batch = this.#waiting.slice(0, BATCH_LIMIT);
      const records = batch.flatMap(({ record }) => record ?? []);
      const outcome = await this.#write(records, reopen);
      if (outcome === 'written') {
        this.#waiting.splice(0, batch.length);
        for (const { written } of batch) written?.();
      } else if (outcome === 'failed' && !this.#isOver) {
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
    // In the same turn in which the queue was seen to be empty: what is added later starts again.
    this.#writing = undefined;
  }

  async #write(records: readonly DisplayRecord[], reopen: Reopen): Promise<'written' | 'full' | 'failed'> {
    if (records.length === 0) return 'written';
    const display = this.#display ?? (await this.#renew(reopen));
    if (display === undefined) return 'failed';
    const written = await display.append([...this.#beginning, ...records]);
    if (written.type === 'written') {
      this.#beginning = [];
      this.#follow(records);
      if (this.#trouble !== undefined) this.#recover('the display can be written again');
      return 'written';
    }
    if (written.code === 'page_full') {
      this.#display = undefined;
      await display.finish();
      return 'full';
    }
    if (written.code === 'lost') {
      this.#display = undefined;
      this.#isLost = true;
      await display.leave();
    } else {
      this.#fail(written.text);
    }
    return 'failed';
  }

  /** A fresh page in the place of the last; undefined if there can be none at the moment. */
  async #renew(reopen: Reopen): Promise<Display | undefined> {
    const opened = await reopen();
    if (opened.type === 'refused') {
      this.#fail(opened.text);
      return undefined;
    }
    if (this.#isOver) {
      await opened.display.close();
      return undefined;
    }
    this.#use(opened.display);
    this.#beginning = [...this.#pending.values()];
    if (this.#isLost) {
      const text = describeLoss(opened.earlier);
      this.#beginning = [{ type: 'notice', level: 'warning', at: Date.now(), text }, ...this.#beginning];
      this.#isLost = false;
      this.#recover(text);
    }
    const ids = this.#waiting.flatMap(({ record }) =>
      record !== undefined && 'id' in record ? (record.id ?? []) : [],
    );
    this.#renewed(ids.length === 0 ? undefined : Math.min(...ids));
    return opened.display;
  }

  #follow(records: readonly DisplayRecord[]): void {
    for (const record of records) {
      if (record.type === 'message' && record.tag !== undefined) this.#pending.set(record.tag, record);
      if (record.type === 'stored' || record.type === 'failed') this.#pending.delete(record.tag);
    }
  }

  #fail(text: string): void {
    if (this.#trouble === text) return;
    this.#trouble = text;
    this.#report({ type: 'failed', text: `${text}. What comes in meanwhile is kept, and written then` });
  }

  #recover(text: string): void {
    this.#trouble = undefined;
    this.#report({ type: 'recovered', text });
  }
}

function describeLoss(earlier: string | undefined): string {
  const before = earlier === undefined ? '' : `; what was there is now in ${cleanLine(earlier)}`;
  return `the display was removed or changed by someone: it goes on in a fresh page${before}. /history brings earlier messages back`;
}
