/** What the relay does wrong, and its own count of that. Plain data, because it crosses to another process. */

/** `…Every: n` affects each n-th one; `…At: n` happens once, at the n-th message sent. */
export interface Faults {
  /** Deliveries that are not made. */
  readonly loseEvery?: number;
  /** Deliveries that are made twice. */
  readonly repeatEvery?: number;
  /** Deliveries swapped with the next one of the same writer to the same reader. */
  readonly swapEvery?: number;
  /**
   * Messages that one reader, who writes nothing, gets behind the next one of another writer. Everybody else has the two in
   * order. The ids stay with their messages.
   */
  readonly overtakeEvery?: number;
  /** The same, but the ids stay in their places, so that they rise for this reader, too. */
  readonly renumberEvery?: number;
  /** Messages delivered to everybody a second time, under a number that their writer has not reached. */
  readonly inventEvery?: number;
  /** Messages that a non-member gets too. */
  readonly strayEvery?: number;
  /** Messages that reach every reader damaged: a digit is replaced. */
  readonly damageEvery?: number;
  /** Messages that are taken 20 ms later. */
  readonly delayEvery?: number;
  /** Messages that are refused with `storage_full`. */
  readonly refuseEvery?: number;
  /** Messages neither delivered nor answered. */
  readonly swallowEvery?: number;
  /** Messages stored and delivered, whose sender's connection is closed instead of an answer. */
  readonly cutEvery?: number;
  /** Messages not accepted, whose sender's connection is closed instead. */
  readonly dropEvery?: number;
  /** How long a resuming client waits. */
  readonly slowDoorMs?: number;
  /** The first replay of each user ends after so many messages, with its connection. */
  readonly cutReplayAfter?: number;
  /** Acknowledges everything and delivers nothing. */
  readonly deliversNothing?: boolean;
  /** The whole relay stops for this long. */
  readonly stallAt?: number;
  readonly stallMs?: number;
  /** New connections are refused. */
  readonly closeDoorAt?: number;
  /** All connections are closed, and new ones refused. */
  readonly hangUpAt?: number;
  /** The process exits. */
  readonly goAwayAt?: number;
  /** From this many users on, each message costs `workMs`. */
  readonly slowFrom?: number;
  readonly workMs?: number;
}

/** The relay's own counts, all 0. */
export function noCounted() {
  return {
    connections: 0,
    /** Accepted messages: neither refused nor a repeat of an accepted one. */
    messages: 0,
    /** Due deliveries: one for each reader of each message. */
    deliveries: 0,
    lost: 0,
    repeated: 0,
    swapped: 0,
    overtaken: 0,
    /** Readers of a room that were given other ids than the others. */
    diverged: 0,
    /** Deliveries of messages that nobody sent. */
    invented: 0,
    strayed: 0,
    /** Deliveries of a damaged text. */
    damaged: 0,
    delayed: 0,
    refused: 0,
    swallowed: 0,
    cut: 0,
    resumed: 0,
    stalledMs: 0,
    /** The first few. */
    texts: [] as string[],
  };
}

export type Counted = ReturnType<typeof noCounted>;
