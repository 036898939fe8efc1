/** What the threads of a run are given. */

import type { Scenario } from '../scenario/scenario.ts';

/** Everything that the threads of a run have to agree on. Plain data. */
export interface CrowdPlan {
  readonly scenario: Scenario;
  readonly seed: number;
  /** 6 letters or digits that tell this run from others. */
  readonly tag: string;
  readonly thread: number;
  readonly threads: number;
  readonly endpoint: { readonly host: string; readonly port: number };
  /** As `loadWire` takes it. */
  readonly wire: string;
  /** Prepared accounts `load-1` and so on; undefined to come in as guests. */
  readonly password: string | undefined;
  /**
   * Written and read by all threads: for each voice, below which number its messages were said again after a connection was lost.
   * How late they come says nothing about the server.
   */
  readonly saidAgain: Int32Array<SharedArrayBuffer>;
  /** The same: how many messages each voice has said. */
  readonly said: Int32Array<SharedArrayBuffer>;
}
