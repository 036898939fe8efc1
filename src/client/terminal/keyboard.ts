/**
 * The keyboard of a terminal: turns terminal input into keys and pastes. It sets raw mode and bracketed paste, and
 * restores both however the process ends or stops, except by SIGKILL.
 */

import { emitKeypressEvents, type Key } from 'node:readline';
import { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import type { ReadStream, WriteStream } from 'node:tty';
import type { Press } from './editor.ts';
import { type InputPiece, PasteSplitter } from './paste.ts';
import { discardInput, isInForeground } from './tty.ts';

export type KeyboardInput =
  | ({ readonly type: 'key' } & Press)
  | Exclude<InputPiece, { readonly type: 'keys' }>
  /** A paste has started, and nothing more of it has arrived for a while. */
  | { readonly type: 'stalled' }
  /** The process was stopped and continued, so the screen shows something else. */
  | { readonly type: 'continued' }
  /** The terminal is gone. */
  | { readonly type: 'gone' };

const PASTE_ON = '\u001b[?2004h';
const PASTE_OFF = '\u001b[?2004l';
/** How long a paste may pause before the user is told how to cancel it, in ms. */
const STALL_MS = 2_000;
/** At exit, input is discarded until it has been quiet this long; longer if any input came. In ms. */
const QUIET_MS = 30;
const QUIET_AFTER_INPUT_MS = 300;
const DISCARD_LIMIT_MS = 5_000;
const TICK_MS = 10;
const CTRL_C = 0x03;

export class Keyboard {
  readonly #input: ReadStream;
  readonly #output: WriteStream;
  readonly #emit: (input: KeyboardInput) => void;
  readonly #hasBracketedPaste: boolean;
  readonly #splitter = new PasteSplitter();
  readonly #decoder = new StringDecoder('utf8');
  readonly #keys = new Readable({ read() {} });
  #isLast = true;
  #wasReturn = false;
  #stallTimer: NodeJS.Timeout | undefined;
  #isClosed = false;
  #isReleased = false;
  #lastInputAt: number | undefined;

  /** `isDumb`: never send escape sequences to the terminal. */
  constructor(input: ReadStream, output: WriteStream, isDumb: boolean, emit: (input: KeyboardInput) => void) {
    this.#input = input;
    this.#output = output;
    this.#emit = emit;
    this.#hasBracketedPaste = !isDumb && output.isTTY;
    emitKeypressEvents(this.#keys);
    this.#keys.on('keypress', (text: string | undefined, key: Key) => this.#key(text, key));
    input.on('data', this.#read);
    input.on('end', this.#terminalGone);
    input.on('error', this.#terminalGone);
    process.on('SIGTSTP', this.#stop);
    process.on('SIGCONT', this.#continue);
    process.on('exit', this.#exit);
    this.#setModes();
    input.resume();
  }

  /** Stops the whole process group, including npx, as Ctrl-Z does in a normal terminal mode. */
  suspend(): void {
    if (process.platform === 'win32') return;
    // Restore the terminal before any process stops: the shell must get it back unchanged, and nothing may change it
    // afterwards.
    this.#restoreModes();
    process.off('SIGTSTP', this.#stop);
    process.kill(0, 'SIGTSTP');
  }

  /** Stops reading keys. The terminal stays raw and its input is discarded until `release`. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#stallTimer);
    if (this.#hasBracketedPaste) this.#output.write(PASTE_OFF);
    this.#lastInputAt = undefined;
  }

  /**
   * Restores the terminal once no more input arrives, because the rest of a paste must not become shell commands. Call
   * last.
   */
  async release(): Promise<void> {
    this.close();
    const begin = performance.now();
    for (let now = begin; now - begin < DISCARD_LIMIT_MS; now = performance.now()) {
      const quiet = now - (this.#lastInputAt ?? begin);
      if (quiet >= (this.#lastInputAt === undefined ? QUIET_MS : QUIET_AFTER_INPUT_MS)) break;
      await new Promise((resolve) => setTimeout(resolve, TICK_MS));
    }
    this.#isReleased = true;
    this.#input.off('data', this.#read);
    this.#input.pause();
    process.off('SIGTSTP', this.#stop);
    process.off('SIGCONT', this.#continue);
  }

  readonly #read = (chunk: Buffer): void => {
    this.#lastInputAt = performance.now();
    if (this.#isClosed) {
      // In raw mode the terminal does not turn Ctrl-C into a signal.
      if (chunk.length === 1 && chunk[0] === CTRL_C) process.kill(process.pid, 'SIGINT');
      return;
    }
    clearTimeout(this.#stallTimer);
    for (const piece of this.#splitter.push(chunk)) {
      if (piece.type === 'keys') this.#type(this.#decoder.write(piece.bytes));
      else this.#emit(piece);
    }
    if (this.#splitter.isInside)
      this.#stallTimer = setTimeout(() => this.#emit({ type: 'stalled' }), STALL_MS);
  };

  readonly #terminalGone = (): void => {
    if (!this.#isClosed) this.#emit({ type: 'gone' });
  };

  readonly #stop = (): void => {
    this.#restoreModes();
    process.kill(process.pid, 'SIGSTOP');
  };

  readonly #continue = (): void => {
    // Changing terminal modes from the background would stop the process again.
    if (!isInForeground()) return;
    if (!process.listeners('SIGTSTP').includes(this.#stop)) process.on('SIGTSTP', this.#stop);
    this.#setModes();
    if (!this.#isClosed) this.#emit({ type: 'continued' });
  };

  /** Also runs after an uncaught exception. Node itself resets raw mode. */
  readonly #exit = (): void => {
    this.close();
    discardInput(this.#isReleased ? 0 : QUIET_AFTER_INPUT_MS);
  };

  #setModes(): void {
    this.#input.setRawMode(true);
    if (this.#hasBracketedPaste && !this.#isClosed) this.#output.write(PASTE_ON);
  }

  #restoreModes(): void {
    if (this.#hasBracketedPaste) this.#output.write(PASTE_OFF);
    this.#input.setRawMode(false);
  }

  #type(text: string): void {
    let left = text.length;
    for (const character of text) {
      left -= character.length;
      this.#isLast = left === 0;
      this.#keys.emit('data', Buffer.from(character));
    }
  }

  #key(text: string | undefined, key: Key): void {
    // A CR followed by LF is one line end.
    const isSecondHalf = this.#wasReturn && key.name === 'enter';
    this.#wasReturn = key.name === 'return';
    if (isSecondHalf || key.name === 'paste-start' || key.name === 'paste-end') return;
    this.#emit({ type: 'key', text, key, isLast: this.#isLast });
  }
}
