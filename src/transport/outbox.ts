/**
 * What is to be written to one connection: gathered during a turn of the event loop, written as one piece at its
 * end.
 *
 * - `push` MUST NOT block or throw, and MUST NOT write unless the limit is reached.
 * - Frames MUST leave in the order in which they were pushed.
 * - What waits here and in the socket MUST NOT exceed the limit by more than one frame. The push that exceeds it
 *   writes what waits here. Only if the network does not take it, because the peer has not read what came before,
 *   is the peer too slow: `overflow` is called, once, and every later frame is dropped.
 */

/** The side of a connection that an outbox writes to. */
export interface Sink {
  /** Bytes handed over that have not yet gone to the network. */
  readonly buffered: number;
  write(bytes: Buffer): void;
}

/** Outboxes that have something to write in this turn. One for each thread that writes to sockets. */
export class WriteTurn {
  #dirty: Outbox[] = [];
  readonly #flush = (): void => {
    const dirty = this.#dirty;
    this.#dirty = [];
    for (const outbox of dirty) outbox.flush();
  };

  add(outbox: Outbox): void {
    if (this.#dirty.length === 0) setImmediate(this.#flush);
    this.#dirty.push(outbox);
  }
}

export class Outbox {
  readonly #turn: WriteTurn;
  readonly #sink: Sink;
  readonly #limit: number;
  readonly #overflow: () => void;
  #frames: Buffer[] = [];
  #bytes = 0;
  #isClosed = false;

  constructor(turn: WriteTurn, sink: Sink, limit: number, overflow: () => void) {
    this.#turn = turn;
    this.#sink = sink;
    this.#limit = limit;
    this.#overflow = overflow;
  }

  push(frame: Buffer): void {
    if (this.#isClosed) return;
    if (this.#frames.length === 0) this.#turn.add(this);
    this.#frames.push(frame);
    this.#bytes += frame.length;
    if (this.#bytes + this.#sink.buffered <= this.#limit) return;
    this.flush();
    if (this.#sink.buffered <= this.#limit) return;
    this.close();
    this.#overflow();
  }

  /** Writes what waits, now rather than at the end of the turn. */
  flush(): void {
    if (this.#frames.length === 0) return;
    const [first] = this.#frames;
    const bytes = this.#frames.length === 1 && first ? first : Buffer.concat(this.#frames, this.#bytes);
    this.#frames = [];
    this.#bytes = 0;
    this.#sink.write(bytes);
  }

  /** Drops what waits, and everything from now on. */
  close(): void {
    this.#isClosed = true;
    this.#frames = [];
    this.#bytes = 0;
  }
}
