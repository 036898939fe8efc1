/** What all threads of a run must agree on. */

import type { Scenario } from '../scenario/scenario.ts';

/** Plain data: it crosses threads. */
export interface GroupPlan {
  readonly scenario: Scenario;
  readonly seed: number;
  /** 6 letters or digits that identify this run. */
  readonly tag: string;
  readonly thread: number;
  readonly threads: number;
  readonly endpoint: { readonly host: string; readonly port: number };
  /** As `loadWire` takes it. */
  readonly wire: string;
  /** The password of the prepared accounts `load-1` and so on; undefined to log in as guests. */
  readonly password: string | undefined;
  /**
   * Shared by all threads, by writer id: messages with lower counters were sent again after their connection was lost, so their
   * latency says nothing about the server.
   */
  readonly resentBelow: Int32Array<SharedArrayBuffer>;
  /** Shared by all threads, by writer id: how many messages the writer has sent. */
  readonly sentCounts: Int32Array<SharedArrayBuffer>;
}
