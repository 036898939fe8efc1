/**
 * The batch that the registry is about to commit, and what follows from a commit: accounts begin and end, and
 * every entry is folded into the dictionary and the sessions, then routed.
 *
 * What depends on something in the batch has to wait until it is committed (`changes…`): nothing is decided from
 * what is not on disk.
 *
 * After a commit of which nobody knows whether it is on disk, everything is refused until the log has been opened
 * again and read: then it decides.
 */

import type { Logger } from 'pino';
import type { Account, Directory } from '../chat/directory.ts';
import type { Draft, Entry, MembershipChange } from '../chat/entry.ts';
import { foldName } from '../chat/names.ts';
import { Receipts } from '../chat/receipts.ts';
import type { Sessions } from '../chat/sessions.ts';
import type { Appended, Forgettable, MessageLog, NewAccount } from '../store/message-log.ts';
import type { RefusalCode } from '../transport/protocol.ts';
import type { Router } from './router.ts';

const PAGE = 500;
/** Marks of what accounts have seen that one commit takes along. */
const MARKS_A_COMMIT = 256;
/** A full disk refuses hundreds of commits a second; the log may be on it, too. */
const LOG_EVERY_MS = 1_000;

/** Gets the account once it is committed, or why it is not. */
export type Begun = (account: Account | RefusalCode) => void;

export class Ledger {
  readonly receipts = new Receipts();
  readonly #log: MessageLog;
  readonly #directory: Directory;
  readonly #sessions: Sessions;
  readonly #router: Router;
  readonly #logger: Logger;
  #drafts: Draft[] = [];
  #beginning: Array<{ readonly account: NewAccount; readonly begun: Begun }> = [];
  #retired = new Set<Account>();
  /** What accounts have been shown everything up to, as far as it is not on disk. A crash loses a second of it. */
  readonly #seen = new Map<number, number>();
  /** Accounts whose end could not be committed: tried again later. */
  #unfinished: readonly Account[] = [];
  /** True from a failed commit on, until the log has been opened again. */
  #isBroken = false;
  #loggedAt = Number.NEGATIVE_INFINITY;
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

  get isBroken(): boolean {
    return this.#isBroken;
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

  /** What the account has been shown everything up to; 0 for nothing yet. */
  seenBy(account: Account): number {
    account.seen ??= this.#seen.get(account.id) ?? this.#log.readSeen(account.id);
    return account.seen;
  }

  /** Moves the account's mark forward. It is on disk with the next commit, within about a second. */
  see(account: Account, id: number): void {
    account.seen = id;
    this.#seen.set(account.id, id);
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

  /** Removes what is too old from the log. True if there is more to remove. */
  forget(forgettable: Forgettable): boolean {
    if (this.#isBroken) return false;
    const outcome = this.#log.forget(forgettable);
    if (outcome.type === 'forgotten') return outcome.isMore;
    this.#failed(outcome, 0);
    return false;
  }

  /** Takes up again what nobody asked for, and so nobody will ask for again; and a log that has failed, or now turns out to have. */
  retry(): void {
    const misplaced = this.#isBroken ? undefined : this.#log.misplaced();
    if (misplaced !== undefined) this.#failed({ type: 'storage_failed', error: new Error(misplaced) }, 0);
    else if (this.#isBroken) this.#reopen();
    for (const account of this.#unfinished) this.retire(account);
    this.#unfinished = [];
  }

  /** Commits the batch and lets it take effect; or refuses all of it, and returns why. */
  commit(): RefusalCode | undefined {
    if (this.#drafts.length + this.#beginning.length + this.#retired.size === 0) return undefined;
    return this.#commit();
  }

  /** As `commit`, and also when there is nothing but marks. */
  commitMarks(): void {
    if (this.#seen.size > 0) this.#commit();
    else this.commit();
  }

  /** Writes down all marks there are. */
  finish(): void {
    while (this.#seen.size > 0 && this.#commit() === undefined);
  }

  #commit(): RefusalCode | undefined {
    const beginning = this.#beginning;
    const retired = [...this.#retired];
    const drafts = [...this.#drafts, ...retired.flatMap((account) => this.#farewells(account))];
    const seen = [...this.#seen.entries().take(MARKS_A_COMMIT)];
    this.#drafts = [];
    this.#beginning = [];
    this.#retired.clear();
    this.#members.clear();
    this.#keys.clear();
    this.#names.clear();
    const outcome = this.#append({ accounts: beginning.map((b) => b.account), drafts, retired, seen });
    if (outcome.type !== 'committed') {
      for (const { origin } of drafts) if (origin !== null) this.#router.refuse(origin, outcome.type);
      for (const { begun } of beginning) begun(outcome.type);
      this.#unfinished = [...this.#unfinished, ...retired];
      this.#failed(outcome, drafts.length);
      return outcome.type;
    }
    for (const [account] of seen) this.#seen.delete(account);
    for (const account of outcome.accounts) this.#directory.addAccount(account);
    for (const entry of outcome.entries) this.#fold(entry);
    for (const account of retired) this.#end(account);
    for (const [i, account] of outcome.accounts.entries()) beginning[i]?.begun(account);
    return undefined;
  }

  #append(batch: Parameters<MessageLog['append']>[0]): Appended {
    if (this.#isBroken)
      return { type: 'storage_failed', error: new Error('the log has not been opened again') };
    return this.#log.append(batch);
  }

  #failed(outcome: Exclude<Appended, { readonly type: 'committed' }>, entries: number): void {
    const now = performance.now();
    if (now - this.#loggedAt >= LOG_EVERY_MS) {
      this.#loggedAt = now;
      const err = outcome.type === 'storage_failed' ? outcome.error : undefined;
      this.#logger.error({ event: outcome.type, entries, err }, 'the log could not be written');
    }
    if (outcome.type !== 'storage_failed' || this.#isBroken) return;
    this.#isBroken = true;
    this.#reopen();
  }

  #farewells(account: Account): Draft[] {
    return [...this.#directory.roomsOf(account).keys()].map((room) => ({
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

  /** The log decides what is stored: whatever turns out to be is folded and routed. Tried again at the next `retry`. */
  #reopen(): void {
    try {
      this.#log.reopen();
      for (const account of this.#log.readAccountsAfter(this.#directory.newestAccount)) {
        this.#directory.addAccount(account);
      }
      for (;;) {
        const page = this.#log.readAfter(this.#router.routed, PAGE);
        for (const entry of page) this.#fold(entry);
        if (page.length < PAGE) break;
      }
    } catch (error) {
      this.#logger.error({ event: 'storage_failed', err: error }, 'the log could not be opened again');
      return;
    }
    if (this.#isBroken) this.#logger.warn({ event: 'storage_recovered' }, 'the log is open again');
    this.#isBroken = false;
  }

  #fold(entry: Entry): void {
    if (entry.kind === 'joined' || entry.kind === 'left') this.#move(entry);
    else this.receipts.sent(entry);
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
