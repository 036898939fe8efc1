/** A shard's client of the archive thread. Its calls resolve to `gone` while that thread restarts. */

import type { MessagePort } from 'node:worker_threads';
import type { Request, VerbOf } from '../../protocol/verbs.ts';
import type { ArchiveApi, PastAnswer, ReplayAnswer } from '../archive/archive-api.ts';
import type { Outcome } from '../kernel/actor.ts';
import { callPort, type Peer } from '../kernel/thread.ts';
import type { ArchivePort } from './ports.ts';

/** Long enough for one page of every other connection, because all of them may be in the archive's queue. */
const ANSWER_TIMEOUT_MS = 30_000;
const REPLAY_TIMEOUT_MS = 10_000;
const GONE = { type: 'gone' } as const;

export class ArchiveClient implements ArchivePort {
  #archive: Peer<ArchiveApi> | undefined;

  connect(port: MessagePort): void {
    this.#archive = callPort<ArchiveApi>(port);
  }

  async replay(account: number, after: number): Promise<Outcome<ReplayAnswer>> {
    return (await this.#archive?.call((api) => api.replay(account, after), REPLAY_TIMEOUT_MS)) ?? GONE;
  }

  async answer(account: number, request: Request<VerbOf<'archive'>>): Promise<Outcome<PastAnswer>> {
    return (await this.#archive?.call((api) => api.answer(account, request), ANSWER_TIMEOUT_MS)) ?? GONE;
  }
}
