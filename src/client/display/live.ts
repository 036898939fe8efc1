/**
 * The file `NAME.live.js` beside a display: its latest records as a script, which an open page loads repeatedly,
 * because a page from `file://` may load a sibling script but not fetch a file. It is replaced as a whole by renaming.
 *
 * Its second line is the pulse: when the client was last alive, and its connection status. That line has a fixed length
 * and is overwritten in place, so that each pulse costs one write of a few bytes and no sync.
 */

import type { FileHandle } from 'node:fs/promises';
import { scriptLiteral } from '../../common/escape-html.ts';
import { type StagedFile, stageFile } from './atomic-file.ts';
import { describeFileError, isAt } from './output-path.ts';

/** The first line, by which a live file is recognised. */
export const LIVE_MARKER = '/* parley live 1 */';

/**
 * What is kept for pages that lag behind; a page further behind than this reloads itself. The character limit bounds
 * what an open page parses at every check.
 */
const KEPT_RECORDS = 300;
const KEPT_CHARACTERS = 128 * 1024;

/** Minimum time between replacements, and the delay before a failed one is retried. In ms. */
const REPLACE_INTERVAL_MS = 100;
const RETRY_MS = 1000;

/** Maximum time between pulses, in ms. A page considers the client gone after 8 s (`page/liveness.js`). */
const PULSE_MS = 3000;

/** Connection states. `waiting` includes the time until the next attempt. The page identifies them by index. */
const CONNECTION_STATES = ['online', 'connecting', 'waiting', 'offline'] as const;

/**
 * What an open page lacks: nothing, records that cannot be written to it, or updates that it gets only by reloading.
 */
const LACKS = ['nothing', 'records', 'updates'] as const;

export type ConnectionStatus =
  | { readonly state: 'online' | 'connecting' | 'offline' }
  /** In ms from now. */
  | { readonly state: 'waiting'; readonly retryIn: number };

export class LiveFile {
  readonly #path: string;
  readonly #run: string;
  readonly #report: (problem: string | undefined) => void;
  #elements: string[] = [];
  #characters = 0;
  #first = 1;
  #state: (typeof CONNECTION_STATES)[number] = 'offline';
  /** In the clock of `performance.now`, which cannot be set. */
  #retryAt = 0;
  #isClosed = false;
  #cannotWritePage = false;
  #cannotReplace = false;
  /** The file at the path, unless someone has replaced it. */
  #handle: FileHandle | undefined;
  #timer: NodeJS.Timeout | undefined;
  #pulse: NodeJS.Timeout | undefined;
  #replaced = 0;
  #turn: Promise<void> = Promise.resolve();

  /** `report` is called once with each problem of the file, and with undefined when it is solved. */
  constructor(path: string, run: string, report: (problem: string | undefined) => void) {
    this.#path = path;
    this.#run = run;
    this.#report = report;
  }

  /** Prepares the file as it is at the start of a run; the caller commits it. Throws as `stageFile` does. */
  stage(): Promise<StagedFile> {
    return stageFile(this.#path, this.#content());
  }

  /** Call after the staged file is committed. */
  start(staged: StagedFile): void {
    this.#handle = staged.handle;
    this.#pulse = setInterval(() => {
      this.#enqueue(async () => {
        if (!(await this.#beat())) this.#schedule(0);
      });
    }, PULSE_MS).unref();
  }

  /** Adds elements, whose sequence numbers continue those already there. They are in the file within about 100 ms. */
  add(elements: readonly string[]): void {
    for (const element of elements) {
      this.#elements.push(element);
      this.#characters += element.length;
    }
    let surplus = 0;
    while (this.#elements.length - surplus > KEPT_RECORDS || this.#characters > KEPT_CHARACTERS) {
      this.#characters -= this.#elements[surplus]?.length ?? 0;
      surplus += 1;
    }
    this.#elements.splice(0, surplus);
    this.#first += surplus;
    this.#schedule(Math.max(0, this.#replaced + REPLACE_INTERVAL_MS - performance.now()));
  }

  /** Updates the connection status. */
  connection(connection: ConnectionStatus): void {
    this.#state = connection.state;
    if (connection.state === 'waiting') this.#retryAt = performance.now() + connection.retryIn;
    this.#enqueue(() => this.#beat());
  }

  /** Whether records are missing from the page because it cannot be written. */
  cannotWritePage(cannot: boolean): void {
    if (this.#cannotWritePage === cannot) return;
    this.#cannotWritePage = cannot;
    this.#enqueue(() => this.#beat());
  }

  /**
   * Writes what is outstanding. The file stays, because an open page may check only once a minute; it says that the
   * client has exited.
   */
  async close(): Promise<void> {
    this.#stopTimers();
    this.#isClosed = true;
    this.#enqueue(() => this.#replace());
    await this.abandon();
  }

  /** Closes the file without changing it. */
  async abandon(): Promise<void> {
    this.#stopTimers();
    this.#enqueue(async () => {
      this.#stopTimers();
      await this.#handle?.close();
      this.#handle = undefined;
    });
    await this.#turn;
  }

  #stopTimers(): void {
    clearInterval(this.#pulse);
    clearTimeout(this.#timer);
  }

  #enqueue(step: () => Promise<unknown>): void {
    // Each step reports its own errors.
    this.#turn = this.#turn.then(step).then(
      () => {},
      () => {},
    );
  }

  #schedule(delay: number): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#enqueue(async () => {
        if (!(await this.#replace())) this.#schedule(RETRY_MS);
      });
    }, delay);
  }

  async #replace(): Promise<boolean> {
    this.#replaced = performance.now();
    try {
      const staged = await stageFile(this.#path, this.#content());
      try {
        await staged.commit();
      } catch (error) {
        await staged.end();
        throw error;
      }
      await this.#handle?.close();
      this.#handle = staged.handle;
    } catch (error) {
      if (!this.#cannotReplace) this.#report(describeFileError(error));
      this.#cannotReplace = true;
      await this.#beat();
      return false;
    }
    if (this.#cannotReplace) this.#report(undefined);
    this.#cannotReplace = false;
    return true;
  }

  /** Updates the pulse. False if no page would see it, for instance because the file was removed. */
  async #beat(): Promise<boolean> {
    try {
      if (this.#handle === undefined || !(await isAt(await this.#handle.stat(), this.#path))) return false;
      await this.#handle.write(this.#pulseLine(), LIVE_MARKER.length + 1);
      return true;
    } catch {
      // Replacing the file reports the reason.
      return false;
    }
  }

  #content(): string {
    const news = { run: this.#run, first: this.#first, elements: this.#elements, closed: this.#isClosed };
    return `${LIVE_MARKER}\n${this.#pulseLine()}parleyLive(${scriptLiteral(news)});\n`;
  }

  /** Only digits change, so a reader sees a valid script even during a write. */
  #pulseLine(): string {
    const now = Date.now();
    const retryAt = now + Math.max(0, Math.round(this.#retryAt - performance.now()));
    const lack = this.#cannotWritePage ? 'records' : this.#cannotReplace ? 'updates' : 'nothing';
    const times = [now, retryAt].map((time) => String(time).padStart(13)).join();
    return `parleyPulse(${times},${CONNECTION_STATES.indexOf(this.#state)},${LACKS.indexOf(lack)});\n`;
  }
}
