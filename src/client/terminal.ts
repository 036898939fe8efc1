/**
 * The terminal of a person: one line is typed at a time, at a prompt; whatever else is printed goes above it and
 * leaves the half-typed line as it is.
 */

import { createInterface, cursorTo, type Interface, type Key, moveCursor } from 'node:readline';
import type { ReadStream, WriteStream } from 'node:tty';
import type { Completion } from './completion.ts';
import { Screen } from './screen.ts';

export type Typed =
  | { readonly type: 'line'; readonly text: string }
  /** Ctrl-D on an empty line. */
  | { readonly type: 'end' };

export interface TerminalOptions {
  readonly input: ReadStream;
  readonly output: WriteStream;
  complete(line: string): Completion;
  /** True for a line after which a secret is typed: it is hidden from the first key on. */
  isBeforeSecret(line: string): boolean;
  /** Ctrl-C twice, or the terminal is gone: the client is to end, whatever it is at. Nothing more is read. */
  interrupted(): void;
}

/** Lines typed ahead while one is being run. Policy: over the limit, further lines are dropped, with a word. */
const AHEAD_LIMIT = 1_000;
const HISTORY_LIMIT = 500;

export class Terminal {
  readonly #options: TerminalOptions;
  readonly #screen: Screen;
  readonly #readline: Interface;
  #ahead: string[] = [];
  #reader: ((typed: Typed) => void) | undefined;
  #hasEnded = false;
  /** What the line is an answer to, while a question is asked; its answer is not kept in the history. */
  #question: string | undefined;
  #prompt = '';
  /** What the history is to be: private lines are taken out of readline's own again. */
  #history: readonly string[] = [];
  #isArmed = false;
  #isClosed = false;
  readonly #noteKey = (_text: string | undefined, key: Key | undefined): void => {
    if (key?.ctrl !== true || key.name !== 'c') this.#isArmed = false;
    if (!this.#isClosed) this.#cursorIsAt(this.#readline.getCursorPos().rows);
  };

  constructor(options: TerminalOptions) {
    this.#options = options;
    this.#screen = new Screen(options.output);
    this.#readline = createInterface({
      input: options.input,
      output: this.#screen,
      terminal: true,
      historySize: HISTORY_LIMIT,
      removeHistoryDuplicates: true,
      completer: (line: string) => (this.#question === undefined ? complete(options, line) : [[], line]),
    });
    options.input.on('keypress', this.#noteKey);
    this.#readline.on('history', (history) => {
      const isPrivate = this.#question !== undefined || this.#screen.isHidden;
      if (isPrivate) history.splice(0, history.length, ...this.#history);
      else this.#history = [...history];
    });
    this.#readline.on('line', (text) => this.#line(text));
    this.#readline.on('SIGINT', () => this.#interrupt());
    // Back in the foreground, after Ctrl-Z: readline has stopped reading, and a prompt makes it go on.
    this.#readline.on('SIGCONT', () => this.#draw());
    // A terminal that is gone can be neither read nor set up.
    this.#readline.on('error', () => options.interrupted());
    this.#readline.on('close', () => this.#finish());
  }

  /** The next line at the usual prompt. */
  read(): Promise<Typed> {
    if (this.#screen.isHidden) {
      this.#screen.isHidden = false;
      this.#draw();
    }
    return this.#next();
  }

  /** The answer to a question, which takes the place of the prompt. A hidden answer is not shown while typed. */
  async ask(question: string, { hidden = false } = {}): Promise<Typed> {
    this.#question = question;
    this.#screen.isHidden = hidden;
    this.#draw();
    const typed = await this.#next();
    this.#question = undefined;
    this.#screen.isHidden = false;
    this.#draw();
    return typed;
  }

  /** What the usual prompt is from here on. */
  setPrompt(prompt: string): void {
    if (this.#prompt === prompt) return;
    this.#prompt = prompt;
    if (this.#question === undefined && !this.#screen.isHidden) this.#draw();
  }

  /** Prints lines above the prompt. They must be fit for a terminal already. */
  print(lines: readonly string[]): void {
    if (lines.length === 0) return;
    const text = `${lines.join('\r\n')}\r\n`;
    if (this.#isClosed) {
      this.#screen.show(text);
      return;
    }
    const { rows } = this.#readline.getCursorPos();
    this.#erase(rows);
    this.#screen.show(text);
    this.#cursorIsAt(0);
    this.#draw();
  }

  /** Takes the prompt away and gives the terminal back. */
  close(): void {
    if (this.#isClosed) return;
    this.#erase(this.#readline.getCursorPos().rows);
    this.#isClosed = true;
    this.#options.input.off('keypress', this.#noteKey);
    this.#readline.close();
    this.#screen.destroy();
  }

  #next(): Promise<Typed> {
    const text = this.#ahead.shift();
    if (text !== undefined) return Promise.resolve({ type: 'line', text });
    if (this.#hasEnded) return Promise.resolve({ type: 'end' });
    return new Promise((resolve) => {
      this.#reader = resolve;
    });
  }

  #line(text: string): void {
    if (this.#screen.isHidden) this.#screen.show('\r\n');
    else if (this.#question === undefined && this.#options.isBeforeSecret(text)) this.#screen.isHidden = true;
    const reader = this.#reader;
    this.#reader = undefined;
    if (reader !== undefined) reader({ type: 'line', text });
    else if (this.#ahead.length < AHEAD_LIMIT) this.#ahead.push(text);
    else this.print(['too many lines at once: one was dropped']);
    if (this.#question === undefined && !this.#screen.isHidden) this.#draw();
  }

  #interrupt(): void {
    if (this.#isArmed) {
      this.#options.interrupted();
      return;
    }
    this.#isArmed = true;
    this.#readline.write(null, { ctrl: true, name: 'e' });
    this.#readline.write(null, { ctrl: true, name: 'u' });
    this.print(['(Ctrl-C again quits)']);
    this.#isArmed = true;
  }

  /** Lines typed ahead are still read. */
  #finish(): void {
    this.#hasEnded = true;
    this.#reader?.({ type: 'end' });
    this.#reader = undefined;
    this.close();
  }

  #draw(): void {
    if (this.#isClosed) return;
    const prompt = this.#question ?? this.#prompt;
    this.#readline.setPrompt(prompt);
    this.#readline.prompt(true);
    if (this.#screen.isHidden && this.#question !== undefined) this.#screen.show(`\r\u001b[J${prompt}`);
  }

  /**
   * Tells readline in which row of the line, counted from the prompt's, the cursor is: it goes up by that many
   * before it draws the line. By itself it loses count when a paste wraps, and the line would show twice.
   */
  #cursorIsAt(row: number): void {
    Reflect.set(this.#readline, 'prevRows', row);
  }

  #erase(rows: number): void {
    if (this.#screen.isHidden) {
      this.#screen.show('\r\u001b[J');
      return;
    }
    moveCursor(this.#screen, 0, -rows);
    cursorTo(this.#screen, 0);
    this.#screen.show('\u001b[J');
  }
}

function complete({ complete: find }: TerminalOptions, line: string): [string[], string] {
  const [candidates, replaced] = find(line);
  return [[...candidates], replaced];
}
