/**
 * The stamp at the start of each message of a load test: the run, the conversation, the writer, a counter, and when the message
 * was due. Numbers have a fixed width, so that a recipient reads them from the bytes without creating a string. They are in base
 * 32, with the characters `0` to `O` as digits, because that is short and decoding a digit takes a single subtraction.
 *
 *     r4kz9q 0000< 0003 0000@5 001HK9?0L2 ....
 */

/** Length of the tag that identifies a run, so that messages left over from another run are not counted. */
const TAG = 6;
/** The time consists of two halves of 25 bits each. */
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

/** Mutable, because one object is reused for all deliveries. */
export interface MessageStamp {
  conversation: number;
  /** Index among the writers of the conversation. */
  writer: number;
  /** Counts up from 0 for each writer. */
  counter: number;
  /** In microseconds, from `now()`. */
  due: number;
}

export class StampCodec {
  readonly #tag: Buffer;
  readonly #length: number;
  /** The buffer that `write` reuses. */
  readonly #text: Buffer;
  /** The result of the last `read`. */
  readonly last: MessageStamp = { conversation: 0, writer: 0, counter: 0, due: 0 };

  /** `tag`: 6 letters or digits. `textBytes`: length of each message. */
  constructor(tag: string, textBytes: number) {
    this.#tag = Buffer.from(tag, 'latin1');
    this.#length = Math.max(textBytes, STAMP_BYTES);
    this.#text = Buffer.alloc(this.#length, '.');
    this.#text.fill(' ', 0, STAMP_BYTES + 1);
    this.#tag.copy(this.#text);
  }

  /** The text of a message. Valid until the next call. */
  write(conversation: number, writer: number, counter: number, due: number): Buffer {
    const text = this.#text;
    const high = Math.floor(due / HALF_SIZE);
    writeDigits(text, CONVERSATION, WIDTHS.conversation, conversation);
    writeDigits(text, WRITER, WIDTHS.writer, writer);
    writeDigits(text, COUNTER, WIDTHS.counter, counter);
    writeDigits(text, DUE, HALF, high);
    writeDigits(text, DUE + HALF, HALF, Math.floor(due) - high * HALF_SIZE);
    return text;
  }

  /** Returns false if the text is damaged or not from this run; it then counts as not arrived. */
  read(bytes: Buffer, start: number, end: number): boolean {
    if (end - start !== this.#length) return false;
    for (let i = 0; i < TAG; i += 1) if (bytes[start + i] !== this.#tag[i]) return false;
    const { last } = this;
    last.conversation = readDigits(bytes, start + CONVERSATION, WIDTHS.conversation);
    last.writer = readDigits(bytes, start + WRITER, WIDTHS.writer);
    last.counter = readDigits(bytes, start + COUNTER, WIDTHS.counter);
    const high = readDigits(bytes, start + DUE, HALF);
    const low = readDigits(bytes, start + DUE + HALF, HALF);
    last.due = high * HALF_SIZE + low;
    return (last.conversation | last.writer | last.counter | high | low) >= 0;
  }
}

/** Writes at most 6 digits. */
function writeDigits(bytes: Buffer, start: number, width: number, value: number): void {
  let rest = value;
  for (let i = start + width - 1; i >= start; i -= 1) {
    bytes[i] = ZERO + (rest & MASK);
    rest >>>= BITS;
  }
}

/** Reads at most 6 digits; returns −1 if there is any other character. */
function readDigits(bytes: Buffer, start: number, width: number): number {
  let value = 0;
  let all = 0;
  for (let i = start; i < start + width; i += 1) {
    const digit = (bytes[i] ?? 0) - ZERO;
    all |= digit;
    value = (value << BITS) | digit;
  }
  // A value below 0 or above 31 leaves a higher bit set.
  return (all & ~MASK) === 0 ? value : -1;
}
