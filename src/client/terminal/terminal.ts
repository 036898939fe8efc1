/**
 * The terminal of a person: one line is typed at a time, at a prompt; whatever else is printed goes above it and
 * leaves the half-typed line as it is.
 *
 * Keys go where the person sees them go. Where nothing can be typed into, as between two questions, they are held until
 * there is a question or a prompt; what is typed when a secret may be asked for is held too, and goes into the next hidden
 * question or nowhere.
 */

import type { ReadStream, WriteStream } from 'node:tty';
import type { Completion } from '../commands/completion.ts';
import { tooLong } from '../commands/line.ts';
import type { Editor, Press } from './editor.ts';
import { InterruptKey, REPEAT_MS } from './interrupt-key.ts';
import { type Input, Keyboard } from './keyboard.ts';
import type { Paste } from './paste.ts';
import { PlainEditor } from './plain-editor.ts';
import { ReadlineEditor } from './readline-editor.ts';
import { receive } from './reception.ts';

export type Typed =
  | { readonly type: 'line'; readonly text: string }
  /** Several lines were pasted into a half-typed one, which stays until `clearLine`. */
  | { readonly type: 'paste'; readonly before: string; readonly pasted: string; readonly after: string }
  /** Ctrl-C at a question that can be called off. */
  | { readonly type: 'cancelled' }
  /** Ctrl-D on an empty line, or there is no terminal any more. */
  | { readonly type: 'end' };

export interface TerminalOptions {
  readonly input: ReadStream;
  readonly output: WriteStream;
  complete(line: string): Completion;
  /** True for a line after which a secret is typed: it is hidden from the first key on. */
  isBeforeSecret(line: string): boolean;
  /** True for a line that is not to come back with the arrows. */
  isPrivate(line: string): boolean;
  /** What the first Ctrl-C on an empty line says. */
  warning(): string;
  /** Ctrl-C twice, or the terminal is gone: the client is to end, whatever it is at. Nothing more is read. */
  interrupted(): void;
}

/**
 * Lines that are typed ahead while one is being run, and keys while there is nothing to type into.
 * Policy: over the limit, further ones are dropped, and the person is told.
 */
const AHEAD_LIMIT = 1_000;
const HELD_LIMIT = 10_000;

interface Question {
  readonly text: string;
  readonly isHidden: boolean;
  readonly canCancel: boolean;
}

/** What is typed, in its order. */
type Typing = ({ readonly type: 'key' } & Press) | Paste;

export class Terminal {
  readonly #options: TerminalOptions;
  readonly #keyboard: Keyboard;
  readonly #line: Editor;
  readonly #secret: Editor;
  readonly #interruptKey = new InterruptKey();
  /** Set when the client is to end, unless Ctrl-C turns out to be held down. */
  #quitting: NodeJS.Timeout | undefined;
  /** What takes keys now; undefined while they are held. */
  #editor: Editor | undefined;
  /** What is on the screen. */
  #drawn: Editor | undefined;
  #held: Typing[] = [];
  /** What is held may be a secret: only a hidden question gets it. */
  #isCovered = false;
  #question: Question | undefined;
  #prompt = '';
  #ahead: Typed[] = [];
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
    this.#keyboard = new Keyboard(input, output, isDumb, (heard) => this.#hear(heard));
  }

  /** Nothing more will be typed. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** The next line at the usual prompt. */
  read(): Promise<Typed> {
    const typed = this.#ahead.shift();
    if (typed !== undefined) return Promise.resolve(typed);
    if (this.#hasEnded) return Promise.resolve({ type: 'end' });
    this.#uncover();
    return this.#next(this.#line);
  }

  /**
   * The answer to a question, which takes the place of the prompt. A hidden answer is not shown while typed. Where the
   * question can be called off, Ctrl-C does it. A half-typed line comes back behind the question.
   */
  async ask(question: string, { isHidden = false, canCancel = false } = {}): Promise<Typed> {
    if (this.#hasEnded) return { type: 'end' };
    if (isHidden) this.#isCovered = true;
    else this.#uncover();
    this.#erase();
    const { text, cursor } = this.#line;
    this.#line.set('', 0);
    this.#question = { text: question, isHidden, canCancel };
    const typed = await this.#next(isHidden ? this.#secret : this.#line);
    this.#line.set(text, cursor);
    return typed;
  }

  /** What the usual prompt is from here on. */
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

  /** Prints lines above the prompt. They must be fit for a terminal already. */
  print(lines: readonly string[]): void {
    if (lines.length === 0) return;
    const drawn = this.#drawn;
    this.#erase();
    this.#options.output.write(`${lines.join('\r\n')}\r\n`);
    this.#drawn = drawn;
    this.#draw();
  }

  /** Takes the prompt away. What is typed from here on is discarded. */
  close(): void {
    if (this.#isClosed) return;
    this.#erase();
    this.#isClosed = true;
    clearTimeout(this.#quitting);
    this.#line.close();
    this.#secret.close();
    this.#keyboard.close();
  }

  /** Gives the terminal back: call at the very end. */
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
      this.#run();
    });
  }

  #hear(input: Input): void {
    if (this.#isClosed) return;
    switch (input.type) {
      case 'key':
        this.#press(input);
        return;
      case 'paste':
        this.#type(input);
        return;
      case 'oversize':
        this.print([tooLong(input.bytes)]);
        return;
      case 'stalled':
        this.print(['(a paste has begun and does not end: Ctrl-C drops it)']);
        return;
      case 'dropped':
        this.print(['(the paste was dropped)']);
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

  /** Keys that are for the terminal as a whole work at any time. */
  #press(press: { readonly type: 'key' } & Press): void {
    const { ctrl, name } = press.key;
    if (ctrl === true && name === 'c') {
      this.#interrupt();
      return;
    }
    this.#interruptKey.disarm();
    if (ctrl === true && name === 'z') this.#keyboard.suspend();
    else this.#type(press);
  }

  #type(typing: Typing): void {
    if (this.#held.length >= HELD_LIMIT || this.#quitting !== undefined) return;
    this.#held.push(typing);
    if (this.#held.length === HELD_LIMIT) this.print(['too many keys at once: the rest was dropped']);
    this.#run();
  }

  /** Gives what is held to whatever takes it. */
  #run(): void {
    while (this.#editor !== undefined) {
      const typing = this.#held.shift();
      if (typing === undefined) return;
      if (typing.type === 'paste') this.#paste(this.#editor, typing);
      else this.#give(this.#editor, typing);
    }
  }

  #give(editor: Editor, press: Press): void {
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
      this.#isCovered = true;
      this.#editor = undefined;
    } else {
      this.#drawn = this.#editor;
      this.#draw();
    }
  }

  /** At the prompt, a line may come while another is being run. */
  #deliver(typed: Typed): void {
    const reader = this.#reader;
    this.#reader = undefined;
    if (reader !== undefined) reader(typed);
    else if (this.#ahead.length < AHEAD_LIMIT) this.#ahead.push(typed);
    else this.print(['too many lines at once: one was dropped']);
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
    const received = receive(paste, place);
    if (received.type === 'refused') {
      this.print([received.why]);
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

  /** What may be a secret goes no further. */
  #uncover(): void {
    if (this.#isCovered && this.#held.length > 0) {
      this.#held = [];
      this.print(['(what you typed meanwhile was dropped)']);
    }
    this.#isCovered = false;
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
