/**
 * What each message of a load test tells of itself, at the beginning of its text: the run, the conversation, who wrote it, its
 * number, and when it was due. Digits of fixed width, so that a recipient reads them out of the bytes without making a string; to the base of
 * 32, in the characters from `0` to `O`, so that they are few and no digit takes more than a subtraction.
 *
 *     r4kz9q 0000< 0003 0000@5 001HK9?0L2 ....
 */

/** Letters and digits that tell this run from others: what is left over of those is not counted. */
const TAG = 6;
/** The time has two halves, each a number of 25 bits. */
const WIDTHS = { conversation: 5, writer: 4, counter: 6, due: 10 } as const;
const HALF = WIDTHS.due / 2;
const HALF_SIZE = 32 ** HALF;
const CONVERSATION = TAG + 1;
const WRITER = CONVERSATION + WIDTHS.conversation + 1;
const COUNTER = WRITER + WIDTHS.writer + 1;
const DUE = COUNTER + WIDTHS.counter + 1;
export const STAMP_BYTES = DUE + WIDTHS.due;

const ZERO = 0x30;
const BITS = 5;
const MASK = 31;

/** Read into one object again and again: this is done for each delivery. */
export interface Stamp {
  conversation: number;
  /** Among the writers of the conversation. */
  writer: number;
  /** From 0, rising by 1, for each writer in each conversation. */
  counter: number;
  /** Microseconds of `now()`. */
  due: number;
}

export class Stamps {
  readonly #tag: Buffer;
  readonly #length: number;
  /** The text that is written again and again. */
  readonly #text: Buffer;
  /** What `read` has read last. */
  readonly last: Stamp = { conversation: 0, writer: 0, counter: 0, due: 0 };

  /** `tag`: 6 letters or digits. `textBytes`: the length of each text. */
  constructor(tag: string, textBytes: number) {
    this.#tag = Buffer.from(tag, 'latin1');
    this.#length = Math.max(textBytes, STAMP_BYTES);
    this.#text = Buffer.alloc(this.#length, '.');
    this.#text.fill(' ', 0, STAMP_BYTES + 1);
    this.#tag.copy(this.#text);
  }

  /** The text of a message: good until the next call. */
  write(conversation: number, writer: number, counter: number, due: number): Buffer {
    const text = this.#text;
    const high = Math.floor(due / HALF_SIZE);
    put(text, CONVERSATION, WIDTHS.conversation, conversation);
    put(text, WRITER, WIDTHS.writer, writer);
    put(text, COUNTER, WIDTHS.counter, counter);
    put(text, DUE, HALF, high);
    put(text, DUE + HALF, HALF, Math.floor(due) - high * HALF_SIZE);
    return text;
  }

  /** False if this is no text of this run, or one that is damaged: it has not arrived then. */
  read(bytes: Buffer, start: number, end: number): boolean {
    if (end - start !== this.#length) return false;
    for (let i = 0; i < TAG; i += 1) if (bytes[start + i] !== this.#tag[i]) return false;
    const { last } = this;
    last.conversation = digits(bytes, start + CONVERSATION, WIDTHS.conversation);
    last.writer = digits(bytes, start + WRITER, WIDTHS.writer);
    last.counter = digits(bytes, start + COUNTER, WIDTHS.counter);
    const high = digits(bytes, start + DUE, HALF);
    const low = digits(bytes, start + DUE + HALF, HALF);
    last.due = high * HALF_SIZE + low;
    return (last.conversation | last.writer | last.counter | high | low) >= 0;
  }
}

/** At most 6 digits. */
function put(bytes: Buffer, start: number, width: number, value: number): void {
  let rest = value;
  for (let i = start + width - 1; i >= start; i -= 1) {
    bytes[i] = ZERO + (rest & MASK);
    rest >>>= BITS;
  }
}

/** At most 6 digits. −1 if there is anything else. */
function digits(bytes: Buffer, start: number, width: number): number {
  let value = 0;
  let all = 0;
  for (let i = start; i < start + width; i += 1) {
    const digit = (bytes[i] ?? 0) - ZERO;
    all |= digit;
    value = (value << BITS) | digit;
  }
  // One that is less than 0 or more than 31 leaves a higher bit set.
  return (all & ~MASK) === 0 ? value : -1;
}
