/** A server in the comparison. */

import type { Wire } from '../../src/load/wires/client-wire.ts';

export interface Peer {
  /** The name on the page. */
  readonly name: string;
  readonly wire: Wire;
  /** URL of the module that exports `wire`; undefined if the wire is part of the load test. */
  readonly wireModule?: string;
  /** The command that installs it. */
  readonly install: string;
  /** The settings that differ from the server's defaults. */
  readonly setup: string;
  /** What a reader has to know about its figures, one sentence each; undefined if nothing. */
  readonly remark: readonly string[] | undefined;
  /** What Parley does and this server does not, as list items that continue "It …". */
  readonly lacks: readonly string[];
  /** What this server does and Parley does not. For Parley itself: what it does for each message. */
  readonly offers: readonly string[];
  /** The version that the program reports; undefined if it is not installed. */
  version(): Promise<string | undefined>;
  /**
   * Starts it in `folder`, an existing folder of its own, with `env` added to the environment. If it does not listen in time,
   * kills it and rejects.
   */
  start(folder: string, env?: NodeJS.ProcessEnv): Promise<RunningPeer>;
}

export interface RunningPeer {
  readonly pid: number;
  /** `127.0.0.1:PORT`. */
  readonly address: string;
  /** Resolves when it has exited. */
  stop(): Promise<void>;
}
