/**
 * Finds peers that are gone while something is on its way to them: their network was cut, or their machine has died. TCP itself gives
 * up on them after a quarter of an hour, and keepalive, which finds those that are idle, does not run meanwhile.
 *
 * Whoever is alive is left alone, however long it says or reads nothing: its kernel acknowledges data, and answers probes of a closed
 * window. Only a peer whose kernel is silent counts as lost.
 */

import {
  type Endpoints,
  findUnanswered,
  readEndpoints,
  type UnansweredSocket,
} from '../transport/socket-table.ts';

export const LOOK_EVERY_MS = 15_000;

/**
 * In how many looks in a row something must be unanswered, and by how much the count must have risen meanwhile. Data is sent again
 * after 0.2 s, 0.4 s and so on: within a minute its count rises by two or more, unless an acknowledgement set it back in between. The
 * kernel probes a window that stays closed every 2 minutes only. To find a peer that dies right after an answer within 3 minutes, one
 * such probe has to do.
 */
const LOST_AFTER = {
  acknowledgement: { looks: 5, rise: 2 },
  window: { looks: 3, rise: 0 },
} as const;

interface Suspect {
  readonly waitsFor: UnansweredSocket['waitsFor'];
  readonly looks: number;
  readonly first: number;
  readonly last: number;
}

/** Compares what one look at the sockets shows with the looks before. Pure. */
export class PeerJudge {
  #suspects = new Map<string, Suspect>();

  /** Takes all that is unanswered now, and returns the names of those that are lost; again and again until they are closed. */
  judge(sockets: readonly UnansweredSocket[]): string[] {
    const suspects = new Map<string, Suspect>();
    for (const { name, waitsFor, count } of sockets) {
      const before = this.#suspects.get(name);
      // A count that has fallen was set back by an answer.
      const isSame = before?.waitsFor === waitsFor && count >= before.last;
      const { looks, first } = isSame ? before : { looks: 0, first: count };
      suspects.set(name, { waitsFor, looks: looks + 1, first, last: count });
    }
    this.#suspects = suspects;
    return [...suspects].filter(([, suspect]) => isLost(suspect)).map(([name]) => name);
  }
}

function isLost({ waitsFor, looks, first, last }: Suspect): boolean {
  const limit = LOST_AFTER[waitsFor];
  return looks >= limit.looks && last - first >= limit.rise;
}

export interface PeerWatchOptions {
  /** The port that all connections of the server have in common. */
  readonly port: number;
  readonly everyMs: number;
  /** These peers are lost. */
  lost(peers: readonly Endpoints[]): void;
  /** A look failed where the one before did not. The next one may succeed. */
  failed(text: string): void;
}

/** Looks again and again. Returns what ends that. */
export function watchPeers({ port, everyMs, lost, failed }: PeerWatchOptions): () => void {
  const judge = new PeerJudge();
  let isStopped = false;
  let isFailing = false;
  const look = async (): Promise<void> => {
    const found = await findUnanswered(port);
    if (isStopped) return;
    if (found.type === 'found') {
      const peers = judge.judge(found.sockets).map(readEndpoints);
      if (peers.length > 0) lost(peers);
    } else if (!isFailing) failed(found.text);
    isFailing = found.type === 'failed';
    timer = setTimeout(look, everyMs);
  };
  let timer = setTimeout(look, everyMs);
  return () => {
    isStopped = true;
    clearTimeout(timer);
  };
}
