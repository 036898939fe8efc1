/**
 * An interactive terminal: one line is typed at a prompt; all other output is printed above it and leaves the
 * half-typed line intact.
 *
 * Keys go where the user sees them go. When there is no input line, for instance between two questions, keys are held
 * until there is a question or a prompt. Keys typed while a secret may be asked for are also held, and go only into the
 * next hidden question or are dropped.
 */

import type { ReadStream, WriteStream } from 'node:tty';
import type { Completion } from '../commands/completion.ts';
import { tooLong } from '../commands/line.ts';
import type { Editor, Press } from './editor.ts';
import { InterruptKey, REPEAT_MS } from './interrupt-key.ts';
import { Keyboard, type KeyboardInput } from './keyboard.ts';
import type { Paste } from './paste.ts';
import { placePaste } from './paste-placement.ts';
import { PlainEditor } from './plain-editor.ts';
import { ReadlineEditor } from './readline-editor.ts';

export type Typed =
  | { readonly type: 'line'; readonly text: string }
  /** Several lines were pasted into a half-typed line, which stays until `clearLine`. */
  | { readonly type: 'paste'; readonly before: string; readonly pasted: string; readonly after: string }
  /** Ctrl-C at a question that can be cancelled. */
  | { readonly type: 'cancelled' }
  /** Ctrl-D on an empty line, or the terminal is gone. */
  | { readonly type: 'end' };

export interface TerminalOptions {
  readonly input: ReadStream;
  readonly output: WriteStream;
  complete(line: string): Completion;
  /** True for a line after which a secret is typed. Input is hidden from the next key on. */
  isBeforeSecret(line: string): boolean;
  /** True for a line that must not be stored in the history. */
  isPrivate(line: string): boolean;
  /** The hint after the first Ctrl-C on an empty line. */
  warning(): string;
  /** Ctrl-C twice, or the terminal is gone: the client must exit, whatever it is doing. No more input is read. */
  interrupted(): void;
}

/**
 * Lines typed ahead while another is running, and keys typed while there is no input line. Policy: above the limit,
 * further ones are dropped and the user is told.
 */
const TYPED_AHEAD_LIMIT = 1_000;
const HELD_LIMIT = 10_000;

interface Question {
  readonly text: string;
  readonly isHidden: boolean;
  readonly canCancel: boolean;
}

/** Input in the order it was typed. */
type HeldInput = ({ readonly type: 'key' } & Press) | Paste;

export class Terminal {
  readonly #options: TerminalOptions;
  readonly #keyboard: Keyboard;
  readonly #line: Editor;
  readonly #secret: Editor;
  readonly #interruptKey = new InterruptKey();
  /** Set when the client is about to exit, unless Ctrl-C turns out to be held down. */
  #quitting: NodeJS.Timeout | undefined;
  /** The editor that receives keys; undefined while keys are held. */
  #editor: Editor | undefined;
  /** The editor shown on the screen. */
  #drawn: Editor | undefined;
  #held: HeldInput[] = [];
  /** The held keys may be a secret, so only a hidden question may receive them. */
  #mayBeSecret = false;
  #question: Question | undefined;
  #prompt = '';
  #typedAhead: Typed[] = [];
  #reader: ((typed: Typed) => void) | undefined;
  #hasEnded = false;
  #isClosed = false;

  constructor(options: TerminalOptions) {
    this.#options = options;
    const { input, output, complete } = options;
    const isDumb = process.env.TERM === 'dumb';
    this.#secret = new PlainEditor(output, { isSecret: true, isDumb });
    this.#line = isDumb
      ? new PlainEditor(output, { isSecret: false, isDumb })
      : new ReadlineEditor({
          output,
          complete: (line) => (this.#question === undefined ? complete(line) : [[], line]),
          isPrivate: (line) => this.#question !== undefined || options.isPrivate(line),
        });
    this.#keyboard = new Keyboard(input, output, isDumb, (heard) => this.#handleInput(heard));
  }

  /** No more input will come. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** The next line typed at the prompt. */
  read(): Promise<Typed> {
    const typed = this.#typedAhead.shift();
    if (typed !== undefined) return Promise.resolve(typed);
    if (this.#hasEnded) return Promise.resolve({ type: 'end' });
    this.#dropSecrets();
    return this.#next(this.#line);
  }

  /**
   * Asks a question in place of the prompt. A hidden answer is not shown while it is typed. Ctrl-C cancels a question
   * that allows it. The half-typed line returns after the question.
   */
  async ask(question: string, { isHidden = false, canCancel = false } = {}): Promise<Typed> {
    if (this.#hasEnded) return { type: 'end' };
    if (isHidden) this.#mayBeSecret = true;
    else this.#dropSecrets();
    this.#erase();
    const { text, cursor } = this.#line;
    this.#line.set('', 0);
    this.#question = { text: question, isHidden, canCancel };
    const typed = await this.#next(isHidden ? this.#secret : this.#line);
    this.#line.set(text, cursor);
    return typed;
  }

  /** Sets the prompt. */
  setPrompt(prompt: string): void {
    if (this.#prompt === prompt) return;
    this.#prompt = prompt;
    if (this.#question === undefined && this.#drawn === this.#line) this.#draw();
  }

  /** Drops the half-typed line. */
  clearLine(): void {
    this.#erase();
    this.#line.set('', 0);
  }

  /** Prints lines above the prompt. The lines must already be safe for a terminal. */
  print(lines: readonly string[]): void {
    if (lines.length === 0) return;
    const drawn = this.#drawn;
    this.#erase();
    this.#options.output.write(`${lines.join('\r\n')}\r\n`);
    this.#drawn = drawn;
    this.#draw();
  }

  /** Removes the prompt. Later input is discarded. */
  close(): void {
    if (this.#isClosed) return;
    this.#erase();
    this.#isClosed = true;
    clearTimeout(this.#quitting);
    this.#line.close();
    this.#secret.close();
    this.#keyboard.close();
  }

  /** Restores the terminal. Call last. */
  async release(): Promise<void> {
    this.close();
    await this.#keyboard.release();
  }

  #next(editor: Editor): Promise<Typed> {
    return new Promise((resolve) => {
      this.#reader = resolve;
      this.#editor = editor;
      this.#drawn = editor;
      this.#draw();
      this.#feedEditor();
    });
  }

  #handleInput(input: KeyboardInput): void {
    if (this.#isClosed) return;
    switch (input.type) {
      case 'key':
        this.#press(input);
        return;
      case 'paste':
        this.#hold(input);
        return;
      case 'oversize':
        this.print([tooLong(input.bytes)]);
        return;
      case 'stalled':
        this.print(['(a paste has started but not ended; Ctrl-C cancels it)']);
        return;
      case 'dropped':
        this.print(['(the paste was cancelled)']);
        return;
      case 'continued':
        this.#drawn?.forget();
        this.#draw();
        return;
      case 'gone':
        this.#hasEnded = true;
        this.#settle({ type: 'end' });
        this.#options.interrupted();
        return;
      default:
        input satisfies never;
    }
  }

  /** Ctrl-C and Ctrl-Z work at any time. */
  #press(press: { readonly type: 'key' } & Press): void {
    const { ctrl, name } = press.key;
    if (ctrl === true && name === 'c') {
      this.#interrupt();
      return;
    }
    this.#interruptKey.disarm();
    if (ctrl === true && name === 'z') this.#keyboard.suspend();
    else this.#hold(press);
  }

  #hold(typing: HeldInput): void {
    if (this.#held.length >= HELD_LIMIT || this.#quitting !== undefined) return;
    this.#held.push(typing);
    if (this.#held.length === HELD_LIMIT) this.print(['too many keys at once; the rest was dropped']);
    this.#feedEditor();
  }

  /** Passes held input to the current editor. */
  #feedEditor(): void {
    while (this.#editor !== undefined) {
      const typing = this.#held.shift();
      if (typing === undefined) return;
      if (typing.type === 'paste') this.#paste(this.#editor, typing);
      else this.#giveKey(this.#editor, typing);
    }
  }

  #giveKey(editor: Editor, press: Press): void {
    if (press.key.ctrl === true && press.key.name === 'd') {
      if (editor.text === '') this.#end();
      else if (editor !== this.#secret) editor.press(press);
      return;
    }
    const entered = editor.press(press);
    if (entered !== undefined) this.#enter(entered);
  }

  #enter(text: string): void {
    this.#drawn = undefined;
    if (this.#question !== undefined) {
      this.#settle({ type: 'line', text });
      return;
    }
    this.#deliver({ type: 'line', text });
    if (this.#options.isBeforeSecret(text)) {
      this.#mayBeSecret = true;
      this.#editor = undefined;
    } else {
      this.#drawn = this.#editor;
      this.#draw();
    }
  }

  /** At the prompt, a line may be entered while another is running. */
  #deliver(typed: Typed): void {
    const reader = this.#reader;
    this.#reader = undefined;
    if (reader !== undefined) reader(typed);
    else if (this.#typedAhead.length < TYPED_AHEAD_LIMIT) this.#typedAhead.push(typed);
    else this.print(['too many lines at once; one was dropped']);
  }

  #settle(typed: Typed): void {
    const reader = this.#reader;
    this.#reader = undefined;
    this.#question = undefined;
    this.#editor = undefined;
    this.#erase();
    reader?.(typed);
  }

  #end(): void {
    if (this.#question !== undefined) {
      this.#settle({ type: 'end' });
      return;
    }
    this.#editor = undefined;
    this.#deliver({ type: 'end' });
  }

  #paste(editor: Editor, paste: Paste): void {
    const { text: line, cursor } = editor;
    const isAnswer = this.#question !== undefined;
    const place = { isAnswer, isSecret: editor === this.#secret, isLineStart: cursor === 0 };
    const received = placePaste(paste, place);
    if (received.type === 'refused') {
      this.print([received.reason]);
      return;
    }
    this.print(received.notes);
    if (received.type === 'insert') {
      editor.insert(received.text);
      return;
    }
    this.#editor = undefined;
    const before = line.slice(0, cursor);
    this.#deliver({ type: 'paste', before, pasted: received.text, after: line.slice(cursor) });
  }

  #interrupt(): void {
    clearTimeout(this.#quitting);
    this.#quitting = undefined;
    const isHeld = this.#editor === undefined && this.#held.length > 0;
    this.#held = [];
    const editor = this.#editor;
    if (this.#question?.canCancel) {
      editor?.set('', 0);
      this.#interruptKey.press(performance.now(), false);
      this.#settle({ type: 'cancelled' });
      return;
    }
    const isEmpty = !isHeld && (editor?.text ?? '') === '';
    switch (this.#interruptKey.press(performance.now(), isEmpty)) {
      case 'clear':
        editor?.set('', 0);
        this.#draw();
        return;
      case 'warn':
        this.print([this.#options.warning()]);
        return;
      case 'quit':
        this.#quitting = setTimeout(this.#options.interrupted, REPEAT_MS);
        return;
      case 'ignore':
        return;
    }
  }

  /** Drops held keys that may be a secret. */
  #dropSecrets(): void {
    if (this.#mayBeSecret && this.#held.length > 0) {
      this.#held = [];
      this.print(['(what you typed in the meantime was dropped)']);
    }
    this.#mayBeSecret = false;
  }

  #draw(): void {
    if (this.#isClosed) return;
    this.#drawn?.draw(this.#question?.text ?? this.#prompt);
  }

  #erase(): void {
    if (!this.#isClosed) this.#drawn?.erase();
    this.#drawn = undefined;
  }
}
