/**
 * The batch that the registry is about to commit, and what follows from a commit: every entry is folded into the
 * dictionary and the sessions, then routed.
 */

import type { Logger } from 'pino';
import type { Directory } from '../chat/directory.ts';
import type { Draft, Entry, MembershipChange } from '../chat/entry.ts';
import type { Sessions } from '../chat/sessions.ts';
import type { MessageLog } from '../store/message-log.ts';
import type { Router } from './router.ts';

const PAGE = 500;

export class Ledger {
  readonly #log: MessageLog;
  readonly #directory: Directory;
  readonly #sessions: Sessions;
  readonly #router: Router;
  readonly #logger: Logger;
  #drafts: Draft[] = [];
  /** Accounts whose membership changes in this batch, and keys that are used in it. */
  readonly #moving = new Set<number>();
  readonly #keys = new Set<string>();

  constructor(log: MessageLog, directory: Directory, sessions: Sessions, router: Router, logger: Logger) {
    this.#log = log;
    this.#directory = directory;
    this.#sessions = sessions;
    this.#router = router;
    this.#logger = logger;
  }

  add(draft: Draft): void {
    if (draft.kind !== 'message' && draft.kind !== 'direct') this.#moving.add(draft.account);
    else if (draft.key !== null) this.#keys.add(`${draft.account} ${draft.key}`);
    this.#drafts.push(draft);
  }

  /** Commits first if what this account may do depends on the batch. */
  settleMembership(account: number): void {
    if (this.#moving.has(account)) this.commit();
  }

  /** Commits first if the key is used in the batch. */
  settleKey(account: number, key: string): void {
    if (this.#keys.has(`${account} ${key}`)) this.commit();
  }

  /** Commits the batch, then folds and routes it; or refuses all of it. */
  commit(): void {
    if (this.#drafts.length === 0) return;
    const drafts = this.#drafts;
    this.#drafts = [];
    this.#moving.clear();
    this.#keys.clear();
    const outcome = this.#log.append(drafts);
    if (outcome.type === 'committed') {
      for (const entry of outcome.entries) this.#fold(entry);
      return;
    }
    this.#logger.error({ event: outcome.type, entries: drafts.length }, 'the log could not be written');
    for (const { origin } of drafts) if (origin !== null) this.#router.refuse(origin, outcome.type);
    if (outcome.type === 'storage_failed') this.#reopen();
  }

  /** After a failed commit the log decides what is stored: whatever turns out to be is folded and routed. */
  #reopen(): void {
    this.#log.reopen();
    for (;;) {
      const page = this.#log.readAfter(this.#router.routed, PAGE);
      for (const entry of page) this.#fold(entry);
      if (page.length < PAGE) return;
    }
  }

  #fold(entry: Entry): void {
    if (entry.kind === 'joined' || entry.kind === 'left') this.#move(entry);
    this.#router.route(entry);
  }

  #move(change: MembershipChange): void {
    const account = this.#directory.account(change.user);
    if (account?.id !== change.account) return;
    const room = this.#directory.apply(change, account);
    if (change.kind === 'joined') this.#sessions.joined(account, room);
    else this.#sessions.left(account, room);
  }
}
