/** What the relay does wrong, and how often it has done so by its own count. Plain data: it crosses to another process. */

/** `…Every: n`: each n-th one. `…At: n`: once, with the n-th message that is sent. */
export interface Faults {
  /** Deliveries that are not made. */
  readonly loseEvery?: number;
  /** Deliveries that are made twice. */
  readonly repeatEvery?: number;
  /** Deliveries that change places with the next one of the same writer to the same reader. */
  readonly swapEvery?: number;
  /**
   * Messages that one reader, who writes nothing, gets behind the next one of another writer. Everybody else has the two in order. The ids
   * stay with their messages.
   */
  readonly overtakeEvery?: number;
  /** The same, but the ids stay in their places, so that they rise for this reader, too. */
  readonly renumberEvery?: number;
  /** Messages that are delivered to everybody a second time under a number that their writer has not reached. */
  readonly inventEvery?: number;
  /** Messages that somebody gets, too, who is no member. */
  readonly strayEvery?: number;
  /** Messages that arrive damaged, at every reader: a digit is another character. */
  readonly damageEvery?: number;
  /** Messages that are taken 20 ms later. */
  readonly delayEvery?: number;
  /** Messages that are refused with `storage_full`. */
  readonly refuseEvery?: number;
  /** Messages of which nothing is heard any more: neither delivered nor answered. */
  readonly swallowEvery?: number;
  /** Messages that are stored and delivered, but their sender's connection ends in place of the answer. */
  readonly cutEvery?: number;
  /** Messages that are not taken: their sender's connection ends in place of that. */
  readonly dropEvery?: number;
  /** Who comes back waits for so long. */
  readonly slowDoorMs?: number;
  /** The first replay of each user ends after so many messages, with its connection. */
  readonly cutReplayAfter?: number;
  /** Everything is acknowledged, and nothing delivered. */
  readonly deliversNothing?: boolean;
  /** Nothing at all is done for so long. */
  readonly stallAt?: number;
  readonly stallMs?: number;
  /** Nobody new is let in any more. */
  readonly closeDoorAt?: number;
  /** All connections end, and nobody new is let in any more. */
  readonly hangUpAt?: number;
  /** The process ends. */
  readonly goAwayAt?: number;
  /** A server that carries only so much: from so many people on, each message takes it so long. */
  readonly slowFrom?: number;
  readonly workMs?: number;
  /** Ids as small whole numbers, which the protocol allows and Parley’s own server never writes. */
  readonly hasSmallIds?: boolean;
}

export function noCounted(): Counted {
  return {
    connections: 0,
    messages: 0,
    deliveries: 0,
    lost: 0,
    repeated: 0,
    swapped: 0,
    overtaken: 0,
    diverged: 0,
    invented: 0,
    strayed: 0,
    damaged: 0,
    delayed: 0,
    refused: 0,
    swallowed: 0,
    cut: 0,
    resumed: 0,
    stalledMs: 0,
    texts: [],
  };
}

export interface Counted {
  connections: number;
  /** Taken: not refused, and not a repeat of one that had been taken. */
  messages: number;
  /** One for each reader of each message: what ought to be delivered. */
  deliveries: number;
  lost: number;
  repeated: number;
  swapped: number;
  overtaken: number;
  /** Readers of a room that were given other ids than the others. */
  diverged: number;
  /** Deliveries of what nobody said. */
  invented: number;
  strayed: number;
  /** Deliveries of a damaged text. */
  damaged: number;
  delayed: number;
  refused: number;
  swallowed: number;
  cut: number;
  resumed: number;
  stalledMs: number;
  /** The first few. */
  texts: string[];
}
