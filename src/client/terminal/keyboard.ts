/**
 * The keyboard of a terminal: turns what the terminal sends into keys and pastes. It owns the modes of the terminal, raw
 * input and bracketed paste, and gives them back whichever way the process ends or stops, except SIGKILL.
 */

import { emitKeypressEvents, type Key } from 'node:readline';
import { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import type { ReadStream, WriteStream } from 'node:tty';
import type { Press } from './editor.ts';
import { PasteSplitter, type Piece } from './paste.ts';
import { discardInput, isInForeground } from './tty.ts';

export type Input =
  | ({ readonly type: 'key' } & Press)
  | Exclude<Piece, { readonly type: 'keys' }>
  /** A paste has begun, and nothing more has come of it for a while. */
  | { readonly type: 'stalled' }
  /** The process was stopped, and goes on: the screen is somebody else's. */
  | { readonly type: 'continued' }
  /** The terminal is gone. */
  | { readonly type: 'gone' };

const PASTE_ON = '\u001b[?2004h';
const PASTE_OFF = '\u001b[?2004l';
/** How long a paste may pause before the person is told how to get out of it. In ms. */
const STALL_MS = 2_000;
/** At the end, input is discarded until nothing has come for so long: a little, or more if anything came. In ms. */
const QUIET_MS = 30;
const QUIET_AFTER_INPUT_MS = 300;
const DISCARD_LIMIT_MS = 5_000;
const TICK_MS = 10;
const CTRL_C = 0x03;

export class Keyboard {
  readonly #input: ReadStream;
  readonly #output: WriteStream;
  readonly #tell: (input: Input) => void;
  readonly #hasBracketedPaste: boolean;
  readonly #splitter = new PasteSplitter();
  readonly #decoder = new StringDecoder('utf8');
  readonly #keys = new Readable({ read() {} });
  #isLast = true;
  #wasReturn = false;
  #stall: NodeJS.Timeout | undefined;
  #isClosed = false;
  #isReleased = false;
  #heardAt: number | undefined;

  /** `isDumb`: the terminal is sent no escape sequence. */
  constructor(input: ReadStream, output: WriteStream, isDumb: boolean, tell: (input: Input) => void) {
    this.#input = input;
    this.#output = output;
    this.#tell = tell;
    this.#hasBracketedPaste = !isDumb && output.isTTY;
    emitKeypressEvents(this.#keys);
    this.#keys.on('keypress', (text: string | undefined, key: Key) => this.#key(text, key));
    input.on('data', this.#read);
    input.on('end', this.#gone);
    input.on('error', this.#gone);
    process.on('SIGTSTP', this.#stop);
    process.on('SIGCONT', this.#continue);
    process.on('exit', this.#exit);
    this.#enter();
    input.resume();
  }

  /** Stops the whole job, as Ctrl-Z does where the terminal handles it: npx and the like, too. */
  suspend(): void {
    if (process.platform === 'win32') return;
    // Before anybody stops: whoever takes the terminal then must find it as it was, and nobody else may change it.
    this.#leave();
    process.off('SIGTSTP', this.#stop);
    process.kill(0, 'SIGTSTP');
  }

  /** No more keys. The terminal stays raw, and what it sends is discarded, until `release`. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#stall);
    if (this.#hasBracketedPaste) this.#output.write(PASTE_OFF);
    this.#heardAt = undefined;
  }

  /**
   * Gives the terminal back when nothing more comes: the rest of a paste must not become commands of the shell.
   * Call at the very end.
   */
  async release(): Promise<void> {
    this.close();
    const begin = performance.now();
    for (let now = begin; now - begin < DISCARD_LIMIT_MS; now = performance.now()) {
      const quiet = now - (this.#heardAt ?? begin);
      if (quiet >= (this.#heardAt === undefined ? QUIET_MS : QUIET_AFTER_INPUT_MS)) break;
      await new Promise((resolve) => setTimeout(resolve, TICK_MS));
    }
    this.#isReleased = true;
    this.#input.off('data', this.#read);
    this.#input.pause();
    process.off('SIGTSTP', this.#stop);
    process.off('SIGCONT', this.#continue);
  }

  readonly #read = (chunk: Buffer): void => {
    this.#heardAt = performance.now();
    if (this.#isClosed) {
      // In raw mode the terminal makes no signal of it.
      if (chunk.length === 1 && chunk[0] === CTRL_C) process.kill(process.pid, 'SIGINT');
      return;
    }
    clearTimeout(this.#stall);
    for (const piece of this.#splitter.push(chunk)) {
      if (piece.type === 'keys') this.#type(this.#decoder.write(piece.bytes));
      else this.#tell(piece);
    }
    if (this.#splitter.isInside) this.#stall = setTimeout(() => this.#tell({ type: 'stalled' }), STALL_MS);
  };

  readonly #gone = (): void => {
    if (!this.#isClosed) this.#tell({ type: 'gone' });
  };

  readonly #stop = (): void => {
    this.#leave();
    process.kill(process.pid, 'SIGSTOP');
  };

  readonly #continue = (): void => {
    // Changing the terminal from the background would stop the process again.
    if (!isInForeground()) return;
    if (!process.listeners('SIGTSTP').includes(this.#stop)) process.on('SIGTSTP', this.#stop);
    this.#enter();
    if (!this.#isClosed) this.#tell({ type: 'continued' });
  };

  /** Also after an exception that nobody caught. Node itself takes back raw mode. */
  readonly #exit = (): void => {
    this.close();
    discardInput(this.#isReleased ? 0 : QUIET_AFTER_INPUT_MS);
  };

  #enter(): void {
    this.#input.setRawMode(true);
    if (this.#hasBracketedPaste && !this.#isClosed) this.#output.write(PASTE_ON);
  }

  #leave(): void {
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
    // A line that ends in both is one line.
    const isSecondHalf = this.#wasReturn && key.name === 'enter';
    this.#wasReturn = key.name === 'return';
    if (isSecondHalf || key.name === 'paste-start' || key.name === 'paste-end') return;
    this.#tell({ type: 'key', text, key, isLast: this.#isLast });
  }
}
