/**
 * The batch that the registry is about to commit, and what follows from a commit: accounts begin and end, and
 * every entry is folded into the dictionary and the sessions, then routed.
 *
 * What depends on something in the batch has to wait until it is committed (`changes…`): nothing is decided from
 * what is not on disk.
 */

import type { Logger } from 'pino';
import type { Account, Directory } from '../chat/directory.ts';
import type { Draft, Entry, MembershipChange } from '../chat/entry.ts';
import { foldName } from '../chat/names.ts';
import type { Sessions } from '../chat/sessions.ts';
import type { Appended, MessageLog, NewAccount } from '../store/message-log.ts';
import type { RefusalCode } from '../transport/protocol.ts';
import type { Router } from './router.ts';

const PAGE = 500;

/** Gets the account once it is committed, or why it is not. */
export type Begun = (account: Account | RefusalCode) => void;

export class Ledger {
  readonly #log: MessageLog;
  readonly #directory: Directory;
  readonly #sessions: Sessions;
  readonly #router: Router;
  readonly #logger: Logger;
  #drafts: Draft[] = [];
  #beginning: Array<{ readonly account: NewAccount; readonly begun: Begun }> = [];
  #retired = new Set<Account>();
  /** Accounts whose end could not be committed: tried again later. */
  #unfinished: readonly Account[] = [];
  readonly #members = new Set<number>();
  readonly #keys = new Set<string>();
  readonly #names = new Set<string>();

  constructor(log: MessageLog, directory: Directory, sessions: Sessions, router: Router, logger: Logger) {
    this.#log = log;
    this.#directory = directory;
    this.#sessions = sessions;
    this.#router = router;
    this.#logger = logger;
  }

  add(draft: Draft): void {
    if (draft.kind !== 'message' && draft.kind !== 'direct') this.#members.add(draft.account);
    else if (draft.key !== null) this.#keys.add(`${draft.account} ${draft.key}`);
    this.#drafts.push(draft);
  }

  /** Makes an account. The name must be free. */
  begin(account: NewAccount, begun: Begun): void {
    this.#names.add(foldName(account.name));
    this.#beginning.push({ account, begun });
  }

  /** Ends an account: it leaves its rooms, its sessions end, and its name is free. */
  retire(account: Account): void {
    this.#names.add(foldName(account.name));
    this.#retired.add(account);
  }

  changesMembership(account: number): boolean {
    return this.#members.has(account);
  }

  changesKey(account: number, key: string): boolean {
    return this.#keys.has(`${account} ${key}`);
  }

  changesName(name: string): boolean {
    return this.#names.size > 0 && this.#names.has(foldName(name));
  }

  /** Takes up again what nobody asked for, and so nobody will ask for again. */
  retry(): void {
    for (const account of this.#unfinished) this.retire(account);
    this.#unfinished = [];
  }

  /** Commits the batch and lets it take effect; or refuses all of it, and returns why. */
  commit(): RefusalCode | undefined {
    if (this.#drafts.length + this.#beginning.length + this.#retired.size === 0) return undefined;
    const beginning = this.#beginning;
    const retired = [...this.#retired];
    const drafts = [...this.#drafts, ...retired.flatMap((account) => this.#farewells(account))];
    this.#drafts = [];
    this.#beginning = [];
    this.#retired.clear();
    this.#members.clear();
    this.#keys.clear();
    this.#names.clear();
    const outcome = this.#log.append({ accounts: beginning.map((b) => b.account), drafts, retired });
    if (outcome.type !== 'committed') {
      this.#refuse(outcome, drafts, retired);
      for (const { begun } of beginning) begun(outcome.type);
      return outcome.type;
    }
    for (const account of outcome.accounts) this.#directory.addAccount(account);
    for (const entry of outcome.entries) this.#fold(entry);
    for (const account of retired) this.#end(account);
    for (const [i, account] of outcome.accounts.entries()) beginning[i]?.begun(account);
    return undefined;
  }

  #farewells(account: Account): Draft[] {
    return [...this.#directory.roomsOf(account)].map((room) => ({
      kind: 'left',
      account: account.id,
      user: account.name,
      room: room.id,
      roomName: room.name,
      origin: null,
    }));
  }

  #end(account: Account): void {
    this.#directory.removeAccount(account);
    this.#router.expel(account.id, 'failed');
  }

  #refuse(
    outcome: Exclude<Appended, { type: 'committed' }>,
    drafts: readonly Draft[],
    retired: readonly Account[],
  ): void {
    const err = outcome.type === 'storage_failed' ? outcome.error : undefined;
    this.#logger.error({ event: outcome.type, entries: drafts.length, err }, 'the log could not be written');
    for (const { origin } of drafts) if (origin !== null) this.#router.refuse(origin, outcome.type);
    if (outcome.type === 'storage_failed') this.#reopen();
    this.#unfinished = [...this.#unfinished, ...retired];
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
