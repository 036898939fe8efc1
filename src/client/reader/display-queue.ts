/**
 * The queue of records for the display. Writes happen one at a time, each with all records gathered so far. Records
 * stay queued while the disk fails or no display is open; whoever fills the queue bounds it (see `ReaderLink`). When a
 * page is full, or someone removes it, a new page replaces it.
 */

import { cleanLine } from '../../common/escape-html.ts';
import type { Display } from '../display/display.ts';
import type { DisplayRecord } from '../display/display-record.ts';
import type { Connection } from '../display/live.ts';
import type { Opened } from '../display/open-display.ts';

/** The delay before a failed write is retried, and how long closing waits for the last write. In ms. */
const RETRY_MS = 1_000;
const CLOSE_MS = 3_000;
/** Records per write: the display renders them all before it writes. */
const BATCH_LIMIT = 1_000;

export interface Waiting {
  /** Undefined if only the end of a chunk is to be reported. */
  readonly record: DisplayRecord | undefined;
  /** Called when this record and all before it are in the file. */
  written?(): void;
}

export type Trouble =
  | { readonly type: 'failed'; readonly text: string }
  | { readonly type: 'recovered'; readonly text: string };

/** Opens a new page at the display's path. A page that is already there is renamed. */
export type Reopen = () => Promise<Opened>;

export class Recorder {
  #display: Display | undefined;
  #reopen: Reopen | undefined;
  readonly #report: (trouble: Trouble) => void;
  #renewed: (oldest: number | undefined) => void = () => {};
  #waiting: Waiting[] = [];
  #writing: Promise<void> | undefined;
  #connection: Connection | undefined;
  /** Own messages that the server has not acknowledged, by tag: a new page needs them too. */
  readonly #pending = new Map<string, DisplayRecord>();
  /** The records a new page starts with, until they are written. */
  #beginning: readonly DisplayRecord[] = [];
  /** Someone removed or changed the last page. */
  #isLost = false;
  /** The problem reported last, while it persists. */
  #trouble: string | undefined;
  #isOver = false;

  constructor(report: (trouble: Trouble) => void) {
    this.#report = report;
  }

  /** Sets the function called when a new page replaces the last one, with the lowest id still to come. */
  onRenewal(renewed: (oldest: number | undefined) => void): void {
    this.#renewed = renewed;
  }

  /** Directs all records to this display, including those added before. */
  open(display: Display, reopen: Reopen): void {
    this.#reopen = reopen;
    this.#use(display);
    this.#start();
  }

  add(waiting: Waiting): void {
    this.#waiting.push(waiting);
    this.#start();
  }

  /** Tells open pages about the connection status. */
  connection(connection: Connection): void {
    this.#connection = connection;
    this.#display?.connection(connection);
  }

  /**
   * Waits for the queue to empty, for a limited time, and closes the display. Returns the number of records it lacks.
   */
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
    // Must happen in the turn that found the queue empty, so that a record added later starts a new write.
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

  /** Opens a new page in place of the last; undefined if that is impossible at the moment. */
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
    this.#report({
      type: 'failed',
      text: `${text}. New events are kept and written as soon as that works again`,
    });
  }

  #recover(text: string): void {
    this.#trouble = undefined;
    this.#report({ type: 'recovered', text });
  }
}

function describeLoss(earlier: string | undefined): string {
  const before = earlier === undefined ? '' : `; its previous content is now in ${cleanLine(earlier)}`;
  return `someone removed or changed the display, so it continues in a new page${before}. /history brings earlier messages back`;
}
