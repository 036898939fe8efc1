/**
 * The sibling `NAME.live.js` of a display: its latest records as a script, which an open page loads again and again,
 * because a page from `file://` may load a sibling script but not fetch a file. Replaced whole, by a rename.
 */

import { scriptLiteral } from './escape.ts';
import { type Staged, stageFile } from './staged.ts';

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

export class LiveFile {
  readonly #path: string;
  readonly #run: string;
  #elements: string[] = [];
  #characters = 0;
  #first = 1;
  #timer: NodeJS.Timeout | undefined;
  #replaced = 0;
  #replacing: Promise<void> = Promise.resolve();

  constructor(path: string, run: string) {
    this.#path = path;
    this.#run = run;
  }

  /** The file as it is at the start of a run, for the caller to commit. Throws as `stageFile` does. */
  stage(): Promise<Staged> {
    return stageFile(this.#path, this.#content(false));
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

  /**
   * Writes what is outstanding. The file stays, because a page that is open may look only once a minute; it says that
   * the client has gone.
   */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#replacing;
    clearTimeout(this.#timer);
    await this.#replace(true);
  }

  #schedule(delay: number): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#replacing = this.#replacing.then(async () => {
        if (!(await this.#replace(false))) this.#schedule(RETRY_INTERVAL);
      });
    }, delay);
  }

  /** A failure is not reported: the display itself is complete, and a page shows it when it is reloaded. */
  async #replace(closed: boolean): Promise<boolean> {
    this.#replaced = performance.now();
    try {
      const staged = await stageFile(this.#path, this.#content(closed));
      await staged.commit().finally(staged.end);
      return true;
    } catch {
      return false;
    }
  }

  #content(closed: boolean): string {
    const news = { run: this.#run, first: this.#first, elements: this.#elements, closed };
    return `${LIVE_MARKER}\nparleyLive(${scriptLiteral(news)});\n`;
  }
}
