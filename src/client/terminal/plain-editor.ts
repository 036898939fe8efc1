/**
 * A line editor that edits only at the end and needs no escape sequences. Used on terminals that cannot move the
 * cursor, and for secrets, which are not shown and leave nothing behind: no history, no undo, no yank.
 */

import type { WriteStream } from 'node:tty';
import type { Editor, Press } from './editor.ts';

export interface PlainOptions {
  readonly isSecret: boolean;
  /** Never send escape sequences to the terminal. */
  readonly isDumb: boolean;
}

export class PlainEditor implements Editor {
  text = '';
  readonly #output: WriteStream;
  readonly #isSecret: boolean;
  readonly #isDumb: boolean;
  #prompt = '';
  #isDrawn = false;

  constructor(output: WriteStream, { isSecret, isDumb }: PlainOptions) {
    this.#output = output;
    this.#isDumb = isDumb;
    this.#isSecret = isSecret;
  }

  get cursor(): number {
    return this.text.length;
  }

  press({ text, key }: Press): string | undefined {
    if (key.name === 'return' || key.name === 'enter') return this.#finish();
    if (key.name === 'backspace') this.#backspace();
    else if (key.ctrl && key.name === 'u') this.set('');
    else if (text !== undefined && !key.ctrl && !key.meta && !/\p{Cc}/u.test(text)) this.insert(text);
    return undefined;
  }

  insert(text: string): void {
    this.text += text;
    this.#show(text);
  }

  set(text: string): void {
    if (this.text === text) return;
    this.text = text;
    if (!this.#isDrawn || this.#isSecret) return;
    this.erase();
    this.draw(this.#prompt);
  }

  draw(prompt: string): void {
    if (this.#isDrawn && prompt === this.#prompt) return;
    this.erase();
    this.#prompt = prompt;
    this.#isDrawn = true;
    this.#output.write(prompt);
    this.#show(this.text);
  }

  /** A dumb terminal cannot erase, so the cursor moves to the next row. */
  erase(): void {
    if (this.#isDrawn) this.#output.write(this.#isDumb ? '\r\n' : '\r\u001b[J');
    this.#isDrawn = false;
  }

  forget(): void {
    this.#isDrawn = false;
  }

  close(): void {
    this.text = '';
  }

  #finish(): string {
    const { text } = this;
    this.text = '';
    if (this.#isDrawn) this.#output.write('\r\n');
    this.#isDrawn = false;
    return text;
  }

  #backspace(): void {
    const last = [...this.text].at(-1);
    if (last === undefined) return;
    this.text = this.text.slice(0, -last.length);
    this.#show('\b \b');
  }

  #show(text: string): void {
    if (this.#isDrawn && !this.#isSecret) this.#output.write(text);
  }
}
