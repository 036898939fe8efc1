/** What the archive thread offers to shards, each on a port of its own. */

import type { HistoryPage, RefusalCode, SearchPage } from '../transport/protocol.ts';

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

export type HistoryAnswer = { readonly type: 'page'; readonly page: HistoryPage } | Refused;
export type SearchAnswer = { readonly type: 'page'; readonly page: SearchPage } | Refused;

export interface HistoryQuery {
  readonly account: number;
  /** A user or a room. */
  readonly with: string;
  readonly before: number;
  readonly limit: number;
}

export interface SearchQuery {
  readonly account: number;
  readonly query: string;
  /** A user or a room; null for everything that the account sees. */
  readonly with: string | null;
  readonly before: number;
  readonly limit: number;
}

export interface ArchiveApi {
  replay(account: number, after: number): Promise<ReplayAnswer>;
  history(query: HistoryQuery): Promise<HistoryAnswer>;
  search(query: SearchQuery): Promise<SearchAnswer>;
}
