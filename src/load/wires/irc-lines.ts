/**
 * Lines of IRC out of a stream of bytes. What others say is found in place: no string is made of it, and no copy
 * unless it came in two pieces. Bytes in, lines out; no sockets here.
 */

/** Longer lines end the connection. IRC itself has 512 bytes; some servers are told to take more. */
export const LONGEST_LINE = 4_096;

export interface LineReceiver {
  /** The text of a PRIVMSG is `bytes` from `start` to `end`, good only during the call. */
  message(bytes: Buffer, start: number, end: number): void;
  /** What the server itself says to this client: numerics, PING and ERROR, without the end of the line. */
  said(line: string): void;
}

const LF = 0x0a;
const CR = 0x0d;
const BLANK = 0x20;
const COLON = 0x3a;
const ZERO = 0x30;
const E = 0x45;
const P = 0x50;
/** What follows the P of a PRIVMSG. */
const RIVMSG = Buffer.from('RIVMSG ');

export class IrcLines {
  readonly #receiver: LineReceiver;
  /** The begin of a line whose end has not come. */
  #rest: Buffer = Buffer.alloc(0);
  #restBytes = 0;
  #isStopped = false;

  constructor(receiver: LineReceiver) {
    this.#receiver = receiver;
  }

  /** Takes the first `length` bytes of `bytes`, and keeps none of them. False if a line is too long: the stream is lost. */
  push(bytes: Buffer, length: number): boolean {
    let at = 0;
    if (this.#restBytes > 0) {
      const feed = bytes.indexOf(LF);
      if (feed < 0 || feed >= length) return this.#keep(bytes, 0, length);
      if (!this.#keep(bytes, 0, feed)) return false;
      const end = this.#restBytes;
      this.#restBytes = 0;
      this.#read(this.#rest, 0, end);
      at = feed + 1;
    }
    while (at < length && !this.#isStopped) {
      const feed = bytes.indexOf(LF, at);
      if (feed < 0 || feed >= length) return this.#keep(bytes, at, length);
      if (feed - at > LONGEST_LINE) return false;
      this.#read(bytes, at, feed);
      at = feed + 1;
    }
    return true;
  }

  /** Passes over everything from now on, also what is left of the bytes that are being taken. */
  stop(): void {
    this.#isStopped = true;
  }

  #keep(bytes: Buffer, start: number, end: number): boolean {
    const size = this.#restBytes + end - start;
    if (size > LONGEST_LINE) return false;
    if (size > this.#rest.length) {
      const larger = Buffer.allocUnsafe(Math.max(512, size));
      this.#rest.copy(larger, 0, 0, this.#restBytes);
      this.#rest = larger;
    }
    bytes.copy(this.#rest, this.#restBytes, start, end);
    this.#restBytes = size;
    return true;
  }

  /** One line, up to its line feed. */
  #read(bytes: Buffer, start: number, feed: number): void {
    const end = feed > start && bytes[feed - 1] === CR ? feed - 1 : feed;
    const command = bytes[start] === COLON ? skipWord(bytes, start, end) : start;
    const first = bytes[command] ?? 0;
    if (first === P && isPrivmsg(bytes, command)) {
      const text = skipWord(bytes, skipWord(bytes, command, end), end);
      // Only a colon lets a text hold blanks; without it the last word is the text.
      this.#receiver.message(bytes, bytes[text] === COLON && text < end ? text + 1 : text, end);
      return;
    }
    // The comings and goings of others are passed over: in a large room they are many, and nobody asks.
    if ((first >= ZERO && first <= ZERO + 9) || first === P || first === E)
      this.#receiver.said(bytes.toString('latin1', start, end));
  }
}

/** The offset of the next word. */
function skipWord(bytes: Buffer, start: number, end: number): number {
  let at = start;
  while (at < end && bytes[at] !== BLANK) at += 1;
  while (at < end && bytes[at] === BLANK) at += 1;
  return at;
}

/** Bytes of the next line are no danger: the line feed between them is in no command. */
function isPrivmsg(bytes: Buffer, command: number): boolean {
  for (let i = 0; i < RIVMSG.length; i += 1) if (bytes[command + 1 + i] !== RIVMSG[i]) return false;
  return true;
}
