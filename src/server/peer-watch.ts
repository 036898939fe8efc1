/**
 * Finds lost peers with data in flight: their network was cut, or their machine has died. TCP itself gives up on them
 * after a quarter of an hour, and keepalive, which finds idle ones, does not run in that state.
 *
 * A live peer is left alone, however long it sends or reads nothing: its kernel acknowledges data and answers window
 * probes. Only a peer whose kernel is silent counts as lost.
 */

import {
  type Endpoints,
  findUnanswered,
  readEndpoints,
  type UnansweredSocket,
} from '../transport/socket-table.ts';

export const CHECK_INTERVAL_MS = 15_000;

/**
 * Number of consecutive checks in which something must be unanswered, and by how much the count must rise between them.
 * Data is retransmitted after 0.2 s, 0.4 s and so on: within a minute its count rises by at least two, unless an
 * acknowledgement resets it. The kernel probes a closed window only every 2 minutes; to find a peer that dies right
 * after an answer within 3 minutes, a single probe must suffice.
 */
const LOST_AFTER = {
  acknowledgement: { checks: 5, rise: 2 },
  window: { checks: 3, rise: 0 },
} as const;

interface Suspect {
  readonly waitsFor: UnansweredSocket['waitsFor'];
  readonly checks: number;
  readonly first: number;
  readonly last: number;
}

/** Compares one check of the sockets with the previous ones. Pure. */
export class LostPeers {
  #suspects = new Map<string, Suspect>();

  /**
   * Takes all unanswered sockets and returns the names of the lost ones; they are returned again until they are closed.
   */
  update(sockets: readonly UnansweredSocket[]): string[] {
    const suspects = new Map<string, Suspect>();
    for (const { name, waitsFor, count } of sockets) {
      const before = this.#suspects.get(name);
      // An answer has reset a count that falls.
      const isSame = before?.waitsFor === waitsFor && count >= before.last;
      const { checks, first } = isSame ? before : { checks: 0, first: count };
      suspects.set(name, { waitsFor, checks: checks + 1, first, last: count });
    }
    this.#suspects = suspects;
    return [...suspects].filter(([, suspect]) => isLost(suspect)).map(([name]) => name);
  }
}

function isLost({ waitsFor, checks, first, last }: Suspect): boolean {
  const limit = LOST_AFTER[waitsFor];
  return checks >= limit.checks && last - first >= limit.rise;
}

export interface PeerWatchOptions {
  /** The port shared by all connections of the server. */
  readonly port: number;
  readonly everyMs: number;
  /** These peers are lost. */
  lost(peers: readonly Endpoints[]): void;
  /** A check failed after one that had succeeded. The next one may succeed again. */
  failed(text: string): void;
}

/** Checks periodically. Returns a function that stops it. */
export function watchPeers({ port, everyMs, lost, failed }: PeerWatchOptions): () => void {
  const judge = new LostPeers();
  let isStopped = false;
  let isFailing = false;
  const check = async (): Promise<void> => {
    const found = await findUnanswered(port);
    if (isStopped) return;
    if (found.type === 'found') {
      const peers = judge.update(found.sockets).map(readEndpoints);
      if (peers.length > 0) lost(peers);
    } else if (!isFailing) failed(found.text);
    isFailing = found.type === 'failed';
    timer = setTimeout(check, everyMs);
  };
  let timer = setTimeout(check, everyMs);
  return () => {
    isStopped = true;
    clearTimeout(timer);
  };
}
