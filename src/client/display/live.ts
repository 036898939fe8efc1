/**
 * The sibling `NAME.live.js` of a display: its latest records as a script, which an open page loads again and again,
 * because a page from `file://` may load a sibling script but not fetch a file. Replaced whole, by a rename.
 *
 * Its second line is the pulse: when the client was last alive, and how it is connected. It has a fixed length and is
 * overwritten in place, so that a sign of life costs one write of some bytes, which the system puts on the disk when it
 * likes.
 */

import type { FileHandle } from 'node:fs/promises';
import { scriptLiteral } from '../../common/escape-html.ts';
import { type Staged, stageFile } from './atomic-file.ts';
import { explain, isAt } from './output-path.ts';

/** By this first line a live file is recognised. */
export const LIVE_MARKER = '/* parley live 1 */';

/**
 * What is kept for pages that are behind; a page further behind than this reloads itself. The bytes bound what an
 * open page parses at every look.
 */
const KEPT_RECORDS = 300;
const KEPT_CHARACTERS = 128 * 1024;

/** At most one replacement in this time, and how long a failed one waits for its next try. In ms. */
const REPLACE_INTERVAL = 100;
const RETRY_INTERVAL = 1000;

/** Longest time without a sign of life, in ms. A page gives the client up after 8 s (`page/liveness.js`). */
const PULSE_INTERVAL = 3000;

/** How the client is connected; `waiting` goes with the time until its next try. The page knows them by their index. */
const CONNECTIONS = ['online', 'connecting', 'waiting', 'offline'] as const;

/** What the page lacks: what cannot be written to it, or what it can only have when it is reloaded. */
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
  #state: (typeof CONNECTIONS)[number] = 'offline';
  /** In the clock of `performance.now`, which nobody sets. */
  #retryAt = 0;
  #isClosed = false;
  #cannotWritePage = false;
  #cannotReplace = false;
  /** The file at the path, as far as nobody has put another there. */
  #handle: FileHandle | undefined;
  #timer: NodeJS.Timeout | undefined;
  #pulse: NodeJS.Timeout | undefined;
  #replaced = 0;
  #turn: Promise<void> = Promise.resolve();

  /** `report` is told once what is wrong with the file, and with undefined that it is right again. */
  constructor(path: string, run: string, report: (problem: string | undefined) => void) {
    this.#path = path;
    this.#run = run;
    this.#report = report;
  }

  /** The file as it is at the start of a run, for the caller to commit. Throws as `stageFile` does. */
  stage(): Promise<Staged> {
    return stageFile(this.#path, this.#content());
  }

  /** What was staged is the file at the path. */
  begin(staged: Staged): void {
    this.#handle = staged.handle;
    this.#pulse = setInterval(() => {
      this.#enqueue(async () => {
        if (!(await this.#beat())) this.#schedule(0);
      });
    }, PULSE_INTERVAL).unref();
  }

  /** Takes elements whose sequence numbers follow those it has. They are in the file within about 100 ms. */
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
    this.#schedule(Math.max(0, this.#replaced + REPLACE_INTERVAL - performance.now()));
  }

  /** How the client is connected from here on. */
  connection(connection: ConnectionStatus): void {
    this.#state = connection.state;
    if (connection.state === 'waiting') this.#retryAt = performance.now() + connection.retryIn;
    this.#enqueue(() => this.#beat());
  }

  /** Whether the page lacks records because it cannot be written. */
  cannotWritePage(cannot: boolean): void {
    if (this.#cannotWritePage === cannot) return;
    this.#cannotWritePage = cannot;
    this.#enqueue(() => this.#beat());
  }

  /**
   * Writes what is outstanding. The file stays, because a page that is open may look only once a minute; it says that
   * the client has gone.
   */
  async close(): Promise<void> {
    this.#stopTimers();
    this.#isClosed = true;
    this.#enqueue(() => this.#replace());
    await this.abandon();
  }

  /** Lets go of the file without a word. */
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
    // What fails in a step is reported there.
    this.#turn = this.#turn.then(step).then(
      () => {},
      () => {},
    );
  }

  #schedule(delay: number): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#enqueue(async () => {
        if (!(await this.#replace())) this.#schedule(RETRY_INTERVAL);
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
      if (!this.#cannotReplace) this.#report(explain(error));
      this.#cannotReplace = true;
      await this.#beat();
      return false;
    }
    if (this.#cannotReplace) this.#report(undefined);
    this.#cannotReplace = false;
    return true;
  }

  /** Gives a sign of life. False where nobody would see it, as when the file has been taken away. */
  async #beat(): Promise<boolean> {
    try {
      if (this.#handle === undefined || !(await isAt(await this.#handle.stat(), this.#path))) return false;
      await this.#handle.write(this.#pulseLine(), LIVE_MARKER.length + 1);
      return true;
    } catch {
      // Replacing it says why.
      return false;
    }
  }

  #content(): string {
    const news = { run: this.#run, first: this.#first, elements: this.#elements, closed: this.#isClosed };
    return `${LIVE_MARKER}\n${this.#pulseLine()}parleyLive(${scriptLiteral(news)});\n`;
  }

  /** Only digits change, so that who reads while it is written reads a script all the same. */
  #pulseLine(): string {
    const now = Date.now();
    const retryAt = now + Math.max(0, Math.round(this.#retryAt - performance.now()));
    const lack = this.#cannotWritePage ? 'records' : this.#cannotReplace ? 'updates' : 'nothing';
    const times = [now, retryAt].map((time) => String(time).padStart(13)).join();
    return `parleyPulse(${times},${CONNECTIONS.indexOf(this.#state)},${LACKS.indexOf(lack)});\n`;
  }
}
