/** What the archive thread offers to shards, each on a port of its own. */

import type { RefusalCode } from '../../protocol/vocabulary.ts';

export type Refused = { readonly type: 'refused'; readonly code: RefusalCode; readonly text?: string };

export type ReplayAnswer =
  | {
      readonly type: 'page';
      /** The events as they go to the client. */
      readonly frames: Uint8Array;
      /** The account has been given everything up to this id. */
      readonly through: number;
      /** True when `through` was the end of the log. */
      readonly isLast: boolean;
    }
  | Refused;

/** `frame`: the answer as it goes to the client, so that a shard has no work with it. */
export type PastAnswer = { readonly type: 'page'; readonly frame: Uint8Array } | Refused;

export interface HistoryQuery {
  /** Of the client. */
  readonly requestId: number;
  readonly account: number;
  /** A user or a room. */
  readonly with: string;
  readonly before: number;
  readonly limit: number;
}

export interface SearchQuery {
  /** Of the client. */
  readonly requestId: number;
  readonly account: number;
  readonly query: string;
  /** A user or a room; null for everything that the account sees. */
  readonly with: string | null;
  readonly before: number;
  readonly limit: number;
}

export interface ArchiveApi {
  replay(account: number, after: number): Promise<ReplayAnswer>;
  history(query: HistoryQuery): Promise<PastAnswer>;
  search(query: SearchQuery): Promise<PastAnswer>;
}
