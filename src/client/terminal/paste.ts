/**
 * Bracketed paste: if asked (`ESC [ ? 2004 h`), a terminal puts pasted text between two markers, which tells it apart
 * from keys. Splits terminal input into keys and pastes. Pure; the result does not depend on how the bytes are split.
 */

import { stripVTControlCharacters } from 'node:util';

const START = Buffer.from('\u001b[200~');
const END = Buffer.from('\u001b[201~');
const CTRL_C = 0x03;
/** Maximum size of a paste in bytes. Policy: a larger paste is discarded, and only its size is reported. */
export const PASTE_LIMIT = 64 * 1024;

/** Pasted text. Lines end in `\n`; a final line break is removed. */
export interface Paste {
  readonly type: 'paste';
  readonly text: string;
  /** Control characters were removed from the text. */
  readonly isCleaned: boolean;
}

export type InputPiece =
  /** Typed bytes. They include the start marker of a paste, because it may arrive in parts: ignore that key. */
  | { readonly type: 'keys'; readonly bytes: Buffer }
  | Paste
  | { readonly type: 'oversize'; readonly bytes: number }
  /** Ctrl-C was pressed in the middle of a paste that does not end. */
  | { readonly type: 'dropped' };

export class PasteSplitter {
  /** How many bytes of the start marker have matched so far. */
  #matched = 0;
  /** The paste so far; undefined outside a paste. */
  #collected: Buffer | undefined;
  /** Bytes of the paste that were discarded. */
  #discarded = 0;

  /** True between the markers. */
  get isInside(): boolean {
    return this.#collected !== undefined;
  }

  push(chunk: Buffer): InputPiece[] {
    const pieces: InputPiece[] = [];
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

  /** The number of bytes up to and including the start marker, or all if there is none. */
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

  /** Returns the bytes after the paste. */
  #collect(collected: Buffer, chunk: Buffer, pieces: InputPiece[]): Buffer {
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
    // Some terminals do not remove end markers from pasted text. Therefore bytes before another end marker in the same
    // read belong to the paste.
    const next = bytes.indexOf(START, first);
    const last = bytes.lastIndexOf(END, next === -1 ? undefined : next);
    const size = this.#discarded + last;
    pieces.push(size > PASTE_LIMIT ? { type: 'oversize', bytes: size } : clean(bytes.subarray(0, last)));
    this.#reset();
    return bytes.subarray(last + END.length);
  }

  /** Above the limit, keeps only the bytes that may be the start of the end marker. */
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
