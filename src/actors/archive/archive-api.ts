/** What the archive thread offers to shards, each on a port of its own. */

import type { Request, VerbOf } from '../../protocol/verbs.ts';
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

export interface ArchiveApi {
  /** The events that the account may see with ids above `after`, as far as one page goes. */
  replay(account: number, after: number): Promise<ReplayAnswer>;
  /** Answers a request of the account. */
  answer(account: number, request: Request<VerbOf<'archive'>>): Promise<PastAnswer>;
}
