/** A server that Parley is measured beside. */

import type { Wire } from '../../src/load/wires/client-wire.ts';

export interface Peer {
  /** As it calls itself. */
  readonly name: string;
  readonly wire: Wire;
  /** URL of the module that exports `wire`, unless it is part of the load test. */
  readonly wireModule?: string;
  /** For whoever does not have it: the command that installs it. */
  readonly install: string;
  /** How it was set up for the measurement, where that is not what it does by itself. */
  readonly setup: string;
  /** What has to be known to read its figures; undefined if nothing. */
  readonly remark: string | undefined;
  /** What it does not do that Parley does; a line each. */
  readonly lacks: readonly string[];
  /** What it does that Parley does not; of Parley itself, what it does for each message. */
  readonly offers: readonly string[];
  /** As the program tells it; undefined if it is not installed. */
  version(): Promise<string | undefined>;
  /** Starts it in `folder`, which is there and is its own, with these variables in its environment, too. Rejects if it does not listen in time, and then it has been ended. */
  start(folder: string, env?: NodeJS.ProcessEnv): Promise<RunningPeer>;
}

export interface RunningPeer {
  readonly pid: number;
  /** `127.0.0.1:PORT`. */
  readonly address: string;
  /** Ends it, and waits for that. */
  stop(): Promise<void>;
}
