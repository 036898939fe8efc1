/**
 * Bracketed paste: a terminal that was asked to (`ESC [ ? 2004 h`) puts what is pasted between two markers, so that it
 * can be told from keys. Splits what the terminal sends into keys and pastes. Pure; any split of the bytes gives the same.
 */

import { stripVTControlCharacters } from 'node:util';

const START = Buffer.from('\u001b[200~');
const END = Buffer.from('\u001b[201~');
const CTRL_C = 0x03;
/** Bytes of one paste that are kept. Policy: of a larger paste nothing is kept; only its size is told. */
export const PASTE_LIMIT = 64 * 1024;

/** What was pasted. Lines end in `\n`; a line break at the very end is not part of it. */
export interface Paste {
  readonly type: 'paste';
  readonly text: string;
  /** The text lacks control characters that were pasted. */
  readonly isCleaned: boolean;
}

export type Piece =
  /** Bytes that were typed. The start marker of a paste is among them, because it may come in parts: pass over that key. */
  | { readonly type: 'keys'; readonly bytes: Buffer }
  | Paste
  | { readonly type: 'oversize'; readonly bytes: number }
  /** Ctrl-C was pressed in the midst of a paste that does not end. */
  | { readonly type: 'dropped' };

export class PasteSplitter {
  /** Bytes of the start marker that have come last. */
  #matched = 0;
  /** What has come of a paste; undefined outside. */
  #collected: Buffer | undefined;
  /** Bytes of the paste that are no longer kept. */
  #discarded = 0;

  /** True between the markers. */
  get isInside(): boolean {
    return this.#collected !== undefined;
  }

  push(chunk: Buffer): Piece[] {
    const pieces: Piece[] = [];
    let rest = chunk;
    while (rest.length > 0) {
      if (this.#collected !== undefined) {
        rest = this.#collect(this.#collected, rest, pieces);
      } else {
        const length = this.#findStart(rest);
        pieces.push({ type: 'keys', bytes: rest.subarray(0, length) });
        rest = rest.subarray(length);
      }
    }
    return pieces;
  }

  /** The number of bytes up to and with the start marker, or all. */
  #findStart(bytes: Buffer): number {
    for (const [index, byte] of bytes.entries()) {
      if (byte === START[this.#matched]) this.#matched += 1;
      else this.#matched = byte === START[0] ? 1 : 0;
      if (this.#matched === START.length) {
        this.#matched = 0;
        this.#collected = Buffer.alloc(0);
        return index + 1;
      }
    }
    return bytes.length;
  }

  /** Returns what comes behind the paste. */
  #collect(collected: Buffer, chunk: Buffer, pieces: Piece[]): Buffer {
    if (chunk.length === 1 && chunk[0] === CTRL_C) {
      this.#reset();
      pieces.push({ type: 'dropped' });
      return chunk.subarray(1);
    }
    const bytes = Buffer.concat([collected, chunk]);
    const first = bytes.indexOf(END, Math.max(0, collected.length - END.length));
    if (first === -1) {
      this.#keep(bytes);
      return chunk.subarray(chunk.length);
    }
    // Not every terminal takes end markers out of what is pasted. What comes in the same read in front of another end
    // marker was not typed.
    const next = bytes.indexOf(START, first);
    const last = bytes.lastIndexOf(END, next === -1 ? undefined : next);
    const size = this.#discarded + last;
    pieces.push(size > PASTE_LIMIT ? { type: 'oversize', bytes: size } : clean(bytes.subarray(0, last)));
    this.#reset();
    return bytes.subarray(last + END.length);
  }

  /** Over the limit only as much is kept as may be the beginning of the end marker. */
  #keep(bytes: Buffer): void {
    if (this.#discarded + bytes.length <= PASTE_LIMIT) {
      this.#collected = bytes;
      return;
    }
    this.#collected = bytes.subarray(bytes.length - END.length);
    this.#discarded += bytes.length - END.length;
  }

  #reset(): void {
    this.#collected = undefined;
    this.#discarded = 0;
  }
}

function clean(bytes: Buffer): Paste {
  const pasted = bytes
    .toString('utf8')
    .replace(/^\ufeff/, '')
    .replace(/\r\n?|[\u0085\u2028\u2029]/g, '\n')
    .replace(/\n$/, '');
  const text = stripVTControlCharacters(pasted).replace(/[^\P{Cc}\t\n]/gu, '');
  return { type: 'paste', text, isCleaned: text.length !== pasted.length };
}
