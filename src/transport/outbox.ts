/**
 * The outgoing frames of one connection: gathered during a turn of the event loop and written as one piece at its end
 * or, under heavy traffic, a few turns later.
 *
 * - `push` MUST NOT block or throw, and MUST NOT write unless the limit is reached.
 * - Frames MUST leave in the order in which they were pushed.
 * - The bytes queued here and in the socket MUST NOT exceed the limit by more than one frame. The push that exceeds it
 *   writes what is queued here. Only if the network does not accept it, because the peer has not read earlier data, is
 *   the peer too slow: `overflow` is called once, and every later frame is dropped.
 *
 * Frames that lie side by side in one buffer, as the frames of a batch for one room do, form one piece. So one more
 * such frame costs next to nothing, however many recipients there are.
 */

import { Arena } from './arena.ts';

/** The side of a connection that an outbox writes to. */
export interface Sink {
  /** Bytes accepted but not yet passed to the network. While this is 0, the sink holds no buffer it was given. */
  readonly buffered: number;
  write(bytes: Buffer): void;
}

/** The owner of an outbox. */
export interface OutboxOwner {
  /** The peer is too slow; nothing more will be written. */
  overflow(): void;
}

/** Largest write assembled in the buffer that all outboxes of a thread share. */
const SHARED_BYTES = 65_536;

/**
 * When writes carry several frames, delay the next one by a multiple of the time this flush took on all threads, at
 * most 8 ms: larger writes, fewer system calls. Saves up to a tenth of the cost of a delivery in large rooms, and a
 * sixth with four threads (measured). Under light traffic a write carries one or two frames, and nothing is delayed.
 */
const MANY_FRAMES = 4;
const PAUSE_FACTOR = 3;
const MAX_PAUSE_MS = 8;

/** Outboxes that have something to write. One per thread that writes to sockets. */
export class WriteTurn {
  /** For frames pushed in the turn in which they are built. Reused once they are written. */
  readonly arena = new Arena();
  readonly #pauseFactor: number;
  #dirty: Outbox[] = [];
  #shared = Buffer.allocUnsafeSlow(SHARED_BYTES);
  #pausedUntil = 0;
  readonly #flush = (): void => {
    const dirty = this.#dirty;
    this.#dirty = [];
    const began = performance.now();
    let frames = 0;
    for (const outbox of dirty) frames += outbox.flush();
    this.arena.reset();
    if (frames < MANY_FRAMES * dirty.length) return;
    const ended = performance.now();
    this.#pausedUntil = ended + Math.min(this.#pauseFactor * (ended - began), MAX_PAUSE_MS);
  };

  /** `threads`: how many threads write for this server, each to about as many sockets. */
  constructor(threads = 1) {
    this.#pauseFactor = PAUSE_FACTOR * threads;
  }

  add(outbox: Outbox): void {
    if (this.#dirty.length === 0) this.#schedule();
    this.#dirty.push(outbox);
  }

  #schedule(): void {
    const pause = this.#pausedUntil - performance.now();
    // A timer waits at least a millisecond.
    if (pause < 1) setImmediate(this.#flush);
    else setTimeout(this.#flush, pause);
  }

  /**
   * Writes the pieces as one. If the network accepts them at once, as it nearly always does, this leaves no garbage.
   */
  write(sink: Sink, pieces: readonly Piece[], size: number): void {
    const [first] = pieces;
    if (first === undefined) return;
    const isKept = sink.buffered > 0;
    if (pieces.length === 1 && (!isKept || this.#mayBeKept(first))) {
      sink.write(first.bytes.subarray(first.start, first.end));
      // The socket still holds what the network did not accept, so it must not be overwritten.
      if (sink.buffered > 0 && first.bytes === this.arena.block) this.arena.renew();
    } else if (isKept || size > SHARED_BYTES) {
      sink.write(join(pieces, Buffer.allocUnsafeSlow(size)));
    } else {
      sink.write(join(pieces, this.#shared));
      if (sink.buffered > 0) this.#shared = Buffer.allocUnsafeSlow(SHARED_BYTES);
    }
  }

  /** Slow readers may all hold the same bytes, but a small piece must not keep a much larger block alive. */
  #mayBeKept({ bytes, start, end }: Piece): boolean {
    return bytes !== this.arena.block && 2 * (end - start) >= bytes.buffer.byteLength;
  }
}

function join(pieces: readonly Piece[], target: Buffer): Buffer {
  let size = 0;
  for (const { bytes, start, end } of pieces) size += bytes.copy(target, size, start, end);
  return target.subarray(0, size);
}

/** A range of bytes in a buffer, from `start` up to but not including `end`. */
interface Piece {
  readonly bytes: Buffer;
  readonly start: number;
  end: number;
}

export class Outbox {
  readonly #turn: WriteTurn;
  readonly #sink: Sink;
  readonly #limit: number;
  readonly #owner: OutboxOwner;
  #pieces: Piece[] = [];
  #last: Piece | undefined;
  #frames = 0;
  #size = 0;
  /**
   * How large the pieces may grow before the limit must be checked. Computed when the first piece of a turn arrives.
   */
  #room = 0;
  #isClosed = false;

  constructor(turn: WriteTurn, sink: Sink, limit: number, owner: OutboxOwner) {
    this.#turn = turn;
    this.#sink = sink;
    this.#limit = limit;
    this.#owner = owner;
  }

  /**
   * Queues a frame: the bytes from `start` up to but not including `end`. They must not change before they are written.
   * Ignores an empty one, which would be queued without ever being due.
   */
  push(bytes: Buffer, start = 0, end = bytes.length): void {
    if (this.#isClosed || start === end) return;
    const last = this.#last;
    if (last !== undefined && last.bytes === bytes && last.end === start) {
      last.end = end;
    } else {
      if (last === undefined) this.#begin();
      this.#last = { bytes, start, end };
      this.#pieces.push(this.#last);
    }
    this.#frames += 1;
    this.#size += end - start;
    if (this.#size > this.#room) this.#exceed();
  }

  /** Writes the queued frames now instead of at the end of the turn. Returns their number. */
  flush(): number {
    if (this.#size === 0) return 0;
    const pieces = this.#pieces;
    const size = this.#size;
    const frames = this.#frames;
    this.#clear();
    this.#turn.write(this.#sink, pieces, size);
    return frames;
  }

  /** Drops the queued frames, and everything pushed later. */
  close(): void {
    this.#isClosed = true;
    this.#clear();
  }

  #begin(): void {
    this.#turn.add(this);
    this.#room = this.#limit - this.#sink.buffered;
  }

  #exceed(): void {
    this.flush();
    if (this.#sink.buffered <= this.#limit) return;
    this.close();
    this.#owner.overflow();
  }

  #clear(): void {
    this.#pieces = [];
    this.#last = undefined;
    this.#frames = 0;
    this.#size = 0;
  }
}
