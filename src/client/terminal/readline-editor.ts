/**
 * The line editor of node:readline: history, completion, word keys, undo. It is fed keys, and never reads input itself.
 */

import { createInterface, cursorTo, type Interface, type Key, moveCursor } from 'node:readline';
import { Readable } from 'node:stream';
import type { WriteStream } from 'node:tty';
import type { Completion } from '../commands/completion.ts';
import type { Editor, Press } from './editor.ts';
import { Screen } from './screen.ts';

export interface ReadlineOptions {
  readonly output: WriteStream;
  complete(line: string): Completion;
  /** True if the entered line must not be stored in the history. */
  isPrivate(line: string): boolean;
}

const HISTORY_LIMIT = 500;

export class ReadlineEditor implements Editor {
  readonly #screen: Screen;
  readonly #keys = new Readable({ read() {} });
  readonly #readline: Interface;
  #entered: string | undefined;
  /** The history without private lines; used to remove them from readline's own. */
  #history: readonly string[] = [];

  constructor({ output, complete, isPrivate }: ReadlineOptions) {
    this.#screen = new Screen(output);
    this.#screen.isHidden = true;
    this.#readline = createInterface({
      input: this.#keys,
      output: this.#screen,
      terminal: true,
      historySize: HISTORY_LIMIT,
      removeHistoryDuplicates: true,
      completer: (line: string): [string[], string] => {
        const [candidates, replaced] = complete(line);
        return [[...candidates], replaced];
      },
    });
    this.#readline.on('history', (history) => {
      const [newest = ''] = history;
      if (isPrivate(newest)) history.splice(0, history.length, ...this.#history);
      else this.#history = [...history];
    });
    this.#readline.on('line', (text) => {
      this.#entered = text;
    });
  }

  get text(): string {
    return this.#readline.line;
  }

  get cursor(): number {
    return this.#readline.cursor;
  }

  press({ text, key, isLast }: Press): string | undefined {
    // A tab among other keys was pasted or typed ahead, not pressed for completion.
    if (key.name === 'tab' && !isLast) this.#press('\t', { sequence: '\t' });
    else this.#press(text, key);
    const entered = this.#entered;
    this.#entered = undefined;
    if (entered === undefined) this.#cursorIsAt(this.#readline.getCursorPos().rows);
    else this.#screen.isHidden = true;
    return entered;
  }

  insert(text: string): void {
    this.#readline.write(text);
    this.#cursorIsAt(this.#readline.getCursorPos().rows);
  }

  /** Ctrl-Y brings back a cleared line. */
  set(text: string, cursor: number): void {
    this.#readline.write(null, { ctrl: true, name: 'e' });
    this.#readline.write(null, { ctrl: true, name: 'u' });
    Reflect.set(this.#readline, 'line', text);
    Reflect.set(this.#readline, 'cursor', cursor);
  }

  draw(prompt: string): void {
    this.#screen.isHidden = false;
    this.#readline.setPrompt(prompt);
    this.#readline.prompt(true);
  }

  erase(): void {
    if (this.#screen.isHidden) return;
    moveCursor(this.#screen, 0, -this.#readline.getCursorPos().rows);
    cursorTo(this.#screen, 0);
    this.#screen.write('\u001b[J');
    this.#cursorIsAt(0);
    this.#screen.isHidden = true;
  }

  forget(): void {
    this.#cursorIsAt(0);
  }

  close(): void {
    this.#screen.isHidden = true;
    this.#readline.close();
    this.#keys.destroy();
    this.#screen.destroy();
  }

  #press(text: string | undefined, key: Key): void {
    this.#keys.emit('keypress', text, key);
  }

  /**
   * Tells readline the row of the cursor, counted from the prompt's row: it moves up by that many rows before it draws
   * the line. On its own it miscounts when text that arrives at once wraps, and would show the line twice.
   */
  #cursorIsAt(row: number): void {
    Reflect.set(this.#readline, 'prevRows', row);
  }
}
