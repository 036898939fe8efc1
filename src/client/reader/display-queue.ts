/**
 * The queue of records for the display. Writes happen one at a time, each with all records gathered so far. Records
 * stay queued while the disk fails or no display is open; whoever fills the queue bounds it (see `ReaderLink`). When a
 * page is full, or someone removes it, a new page replaces it.
 */

import { cleanLine } from '../../common/escape-html.ts';
import type { Display } from '../display/display.ts';
import type { DisplayRecord } from '../display/display-record.ts';
import type { ConnectionStatus } from '../display/live.ts';
import type { OpenResult } from '../display/open-display.ts';

/** The delay before a failed write is retried, and how long closing waits for the last write. In ms. */
const RETRY_MS = 1_000;
const CLOSE_MS = 3_000;
/** Records per write: the display renders them all before it writes. */
const BATCH_LIMIT = 1_000;

export interface QueuedRecord {
  /** Undefined if only the end of a chunk is to be reported. */
  readonly record: DisplayRecord | undefined;
  /** Called when this record and all before it are in the file. */
  written?(): void;
}

export type DisplayStatus =
  | { readonly type: 'failed'; readonly text: string }
  | { readonly type: 'recovered'; readonly text: string };

/** Opens a new page at the display's path. A page that is already there is renamed. */
export type Reopen = () => Promise<OpenResult>;

export class DisplayQueue {
  #display: Display | undefined;
  #reopen: Reopen | undefined;
  readonly #report: (status: DisplayStatus) => void;
  #pageReplaced: (oldest: number | undefined) => void = () => {};
  #queue: QueuedRecord[] = [];
  #writing: Promise<void> | undefined;
  #connection: ConnectionStatus | undefined;
  /** Own messages that the server has not acknowledged, by tag: a new page needs them too. */
  readonly #pending = new Map<string, DisplayRecord>();
  /** The records a new page starts with, until they are written. */
  #firstRecords: readonly DisplayRecord[] = [];
  /** Someone removed or changed the last page. */
  #isLost = false;
  /** The problem reported last, while it persists. */
  #problem: string | undefined;
  #isClosed = false;

  constructor(report: (status: DisplayStatus) => void) {
    this.#report = report;
  }

  /** Sets the function called when a new page replaces the last one, with the lowest id still to come. */
  onNewPage(renewed: (oldest: number | undefined) => void): void {
    this.#pageReplaced = renewed;
  }

  /** Directs all records to this display, including those added before. */
  open(display: Display, reopen: Reopen): void {
    this.#reopen = reopen;
    this.#setDisplay(display);
    this.#start();
  }

  add(queued: QueuedRecord): void {
    this.#queue.push(queued);
    this.#start();
  }

  /** Tells open pages about the connection status. */
  connection(connection: ConnectionStatus): void {
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
    this.#isClosed = true;
    await this.#display?.close();
    return this.#queue.filter(({ record }) => record !== undefined).length;
  }

  #setDisplay(display: Display): void {
    this.#display = display;
    if (this.#connection !== undefined) display.connection(this.#connection);
  }

  #start(): void {
    if (this.#reopen !== undefined) this.#writing ??= this.#writeAll(this.#reopen);
  }

  async #writeAll(reopen: Reopen): Promise<void> {
    // Gathers what the rest of this turn adds.
    await Promise.resolve();
    while (this.#queue.length > 0 && !this.#isClosed) {
      const batch = this.#queue.slice(0, BATCH_LIMIT);
      const records = batch.flatMap(({ record }) => record ?? []);
      const outcome = await this.#write(records, reopen);
      if (outcome === 'written') {
        this.#queue.splice(0, batch.length);
        for (const { written } of batch) written?.();
      } else if (outcome === 'failed' && !this.#isClosed) {
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
    // Must happen in the turn that found the queue empty, so that a record added later starts a new write.
    this.#writing = undefined;
  }

  async #write(records: readonly DisplayRecord[], reopen: Reopen): Promise<'written' | 'full' | 'failed'> {
    if (records.length === 0) return 'written';
    const display = this.#display ?? (await this.#openNewPage(reopen));
    if (display === undefined) return 'failed';
    const written = await display.append([...this.#firstRecords, ...records]);
    if (written.type === 'written') {
      this.#firstRecords = [];
      this.#trackPending(records);
      if (this.#problem !== undefined) this.#recover('the display can be written again');
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
      await display.abandon();
    } else {
      this.#fail(written.text);
    }
    return 'failed';
  }

  /** Opens a new page in place of the last; undefined if that is impossible at the moment. */
  async #openNewPage(reopen: Reopen): Promise<Display | undefined> {
    const opened = await reopen();
    if (opened.type === 'refused') {
      this.#fail(opened.text);
      return undefined;
    }
    if (this.#isClosed) {
      await opened.display.close();
      return undefined;
    }
    this.#setDisplay(opened.display);
    this.#firstRecords = [...this.#pending.values()];
    if (this.#isLost) {
      const text = describeLoss(opened.earlier);
      this.#firstRecords = [
        { type: 'notice', level: 'warning', at: Date.now(), text },
        ...this.#firstRecords,
      ];
      this.#isLost = false;
      this.#recover(text);
    }
    const ids = this.#queue.flatMap(({ record }) =>
      record !== undefined && 'id' in record ? (record.id ?? []) : [],
    );
    this.#pageReplaced(ids.length === 0 ? undefined : Math.min(...ids));
    return opened.display;
  }

  #trackPending(records: readonly DisplayRecord[]): void {
    for (const record of records) {
      if (record.type === 'message' && record.tag !== undefined) this.#pending.set(record.tag, record);
      if (record.type === 'stored' || record.type === 'failed') this.#pending.delete(record.tag);
    }
  }

  #fail(text: string): void {
    if (this.#problem === text) return;
    this.#problem = text;
    this.#report({
      type: 'failed',
      text: `${text}. New events are kept and written as soon as that works again`,
    });
  }

  #recover(text: string): void {
    this.#problem = undefined;
    this.#report({ type: 'recovered', text });
  }
}

function describeLoss(earlier: string | undefined): string {
  const before = earlier === undefined ? '' : `; its previous content is now in ${cleanLine(earlier)}`;
  return `someone removed or changed the display, so it continues in a new page${before}. /history brings earlier messages back`;
}
