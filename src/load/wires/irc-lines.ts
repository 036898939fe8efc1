/**
 * Splits a stream of bytes into IRC lines. The texts of messages are found in place: they are never decoded to strings, and
 * copied only if they arrive in two pieces. Independent of sockets.
 */

/** Longer lines end the connection. IRC allows 512 bytes, but some servers are configured to allow more. */
export const LONGEST_LINE = 4_096;

export interface LineReceiver {
  /** A PRIVMSG. Its text is `bytes` from `start` up to `end`, valid only during the call. */
  message(bytes: Buffer, start: number, end: number): void;
  /** A line from the server itself (a numeric, PING or ERROR), without its line end. */
  serverLine(line: string): void;
}

const LF = 0x0a;
const CR = 0x0d;
const BLANK = 0x20;
const COLON = 0x3a;
const ZERO = 0x30;
const E = 0x45;
const P = 0x50;
/** PRIVMSG without its first letter. */
const RIVMSG = Buffer.from('RIVMSG ');

export class IrcLines {
  readonly #receiver: LineReceiver;
  /** The start of an incomplete line. */
  #rest: Buffer = Buffer.alloc(0);
  #restBytes = 0;
  #isStopped = false;

  constructor(receiver: LineReceiver) {
    this.#receiver = receiver;
  }

  /** Reads the first `length` bytes, and does not retain them. Returns false if a line is too long; then the stream is unusable. */
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

  /** Ignores all further bytes, including the rest of a `push` in progress. */
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
      // A text without a leading colon is a single word.
      this.#receiver.message(bytes, bytes[text] === COLON && text < end ? text + 1 : text, end);
      return;
    }
    // Joins and leaves of others are ignored. A large room has many, and the load test does not use them.
    if ((first >= ZERO && first <= ZERO + 9) || first === P || first === E)
      this.#receiver.serverLine(bytes.toString('latin1', start, end));
  }
}

/** The offset of the next word. */
function skipWord(bytes: Buffer, start: number, end: number): number {
  let at = start;
  while (at < end && bytes[at] !== BLANK) at += 1;
  while (at < end && bytes[at] === BLANK) at += 1;
  return at;
}

/** May compare bytes beyond the end of the line. That is safe, because the line feed between them matches no command. */
function isPrivmsg(bytes: Buffer, command: number): boolean {
  for (let i = 0; i < RIVMSG.length; i += 1) if (bytes[command + 1 + i] !== RIVMSG[i]) return false;
  return true;
}
