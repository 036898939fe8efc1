/**
 * What is to be written to one connection: gathered during a turn of the event loop, written as one piece at its
 * end; or, when there is much to write, some turns later.
 *
 * - `push` MUST NOT block or throw, and MUST NOT write unless the limit is reached.
 * - Frames MUST leave in the order in which they were pushed.
 * - What waits here and in the socket MUST NOT exceed the limit by more than one frame. The push that exceeds it
 *   writes what waits here. Only if the network does not take it, because the peer has not read what came before,
 *   is the peer too slow: `overflow` is called, once, and every later frame is dropped.
 *
 * Frames that lie side by side in one buffer, as those of a batch do that all go to one room, are one piece here: one more
 * of them costs next to nothing, however many recipients there are.
 */

import { Arena } from './arena.ts';

/** The side of a connection that an outbox writes to. */
export interface Sink {
  /** Bytes handed over that have not yet gone to the network. While this is 0, the sink keeps no buffer that it was given. */
  readonly buffered: number;
  write(bytes: Buffer): void;
}

/** Whoever an outbox belongs to. */
export interface OutboxOwner {
  /** The peer is too slow: nothing more will be written. */
  overflow(): void;
}

/** Largest write that is put together in the buffer that all outboxes of a thread share. */
const SHARED_BYTES = 65_536;

/**
 * Where a write carries several frames, much is being said, and more goes into the next one if that waits a little: for so
 * many times as long as writing took on all threads, but for 8 ms at most. Takes up to a tenth off the cost of a delivery in
 * large rooms, and a sixth with four threads (measured). Where little is said, a write carries one or two, and nothing waits.
 */
const MANY_FRAMES = 4;
const PAUSE_FACTOR = 3;
const LONGEST_PAUSE_MS = 8;

/** Outboxes that have something to write. One for each thread that writes to sockets. */
export class WriteTurn {
  /** For frames that are pushed in the turn in which they are made. It is used again when they have been written. */
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
    this.#pausedUntil = ended + Math.min(this.#pauseFactor * (ended - began), LONGEST_PAUSE_MS);
  };

  /** `threads`: how many write for one server, to about as many sockets each. */
  constructor(threads = 1) {
    this.#pauseFactor = PAUSE_FACTOR * threads;
  }

  add(outbox: Outbox): void {
    if (this.#dirty.length === 0) this.#schedule();
    this.#dirty.push(outbox);
  }

  #schedule(): void {
    const pause = this.#pausedUntil - performance.now();
    // A timer waits a millisecond at least.
    if (pause < 1) setImmediate(this.#flush);
    else setTimeout(this.#flush, pause);
  }

  /** Writes the pieces as one. What the network takes at once, as nearly always, leaves no garbage. */
  write(sink: Sink, pieces: readonly Piece[], size: number): void {
    const [first] = pieces;
    if (first === undefined) return;
    const isKept = sink.buffered > 0;
    if (pieces.length === 1 && (!isKept || this.#mayBeKept(first))) {
      sink.write(first.bytes.subarray(first.start, first.end));
      // The socket keeps what the network did not take: that must not be written over.
      if (sink.buffered > 0 && first.bytes === this.arena.block) this.arena.renew();
    } else if (isKept || size > SHARED_BYTES) {
      sink.write(join(pieces, Buffer.allocUnsafeSlow(size)));
    } else {
      sink.write(join(pieces, this.#shared));
      if (sink.buffered > 0) this.#shared = Buffer.allocUnsafeSlow(SHARED_BYTES);
    }
  }

  /**
   * Those who do not read keep the same bytes, however many they are; but not much more than that: a small piece must not hold a
   * large block.
   */
  #mayBeKept({ bytes, start, end }: Piece): boolean {
    return bytes !== this.arena.block && 2 * (end - start) >= bytes.buffer.byteLength;
  }
}

function join(pieces: readonly Piece[], target: Buffer): Buffer {
  let size = 0;
  for (const { bytes, start, end } of pieces) size += bytes.copy(target, size, start, end);
  return target.subarray(0, size);
}

/** Bytes of a buffer, from `start` to before `end`. */
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
  /** How large the pieces may become before the limit has to be looked at. Looked up when the first of a turn comes. */
  #room = 0;
  #isClosed = false;

  constructor(turn: WriteTurn, sink: Sink, limit: number, owner: OutboxOwner) {
    this.#turn = turn;
    this.#sink = sink;
    this.#limit = limit;
    this.#owner = owner;
  }

  /** A frame, which is the bytes from `start` to before `end`. They must not change before they are written. */
  push(bytes: Buffer, start = 0, end = bytes.length): void {
    if (this.#isClosed) return;
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

  /** Writes what waits, now rather than at the end of the turn. Returns how many frames that were. */
  flush(): number {
    if (this.#size === 0) return 0;
    const pieces = this.#pieces;
    const size = this.#size;
    const frames = this.#frames;
    this.#clear();
    this.#turn.write(this.#sink, pieces, size);
    return frames;
  }

  /** Drops what waits, and everything from now on. */
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
