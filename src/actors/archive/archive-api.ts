/** The calls that the archive thread offers to shards, each on a port of its own. */

import type { Request, VerbOf } from '../../protocol/verbs.ts';
import type { RefusalCode } from '../../protocol/vocabulary.ts';

export type Refused = { readonly type: 'refused'; readonly code: RefusalCode; readonly text?: string };

export type ReplayAnswer =
  | {
      readonly type: 'page';
      /** The encoded events, ready to send. */
      readonly frames: Uint8Array;
      /** With this page the account has everything up to this id. */
      readonly through: number;
      /** True if `through` is the end of the log. */
      readonly isLast: boolean;
    }
  | Refused;

/** `frame` is the encoded answer, so that the shard only forwards it. */
export type PastAnswer = { readonly type: 'page'; readonly frame: Uint8Array } | Refused;

export interface ArchiveApi {
  /** One page of the events that the account may see, with ids above `after`. */
  replay(account: number, after: number): Promise<ReplayAnswer>;
  /** Answers a request of the account. */
  answer(account: number, request: Request<VerbOf<'archive'>>): Promise<PastAnswer>;
}
