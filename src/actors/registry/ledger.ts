/**
 * Sends the registry's turns into the log and handles what comes back: the fold decides the intents and stores the result;
 * then every entry is counted, routed and answered.
 *
 * Nothing is shown to anybody before it is on disk. A page that cannot be stored is undone. On a single machine its turns are
 * refused. In a numbered log it has happened for all other nodes, so the page is kept and stored before anything newer, and
 * its turns stay in flight. After a failure that leaves open what is on disk, new turns are refused until the projection has
 * been reopened and read.
 */

import type { Logger } from 'pino';
import type { Account } from '../../chat/directory.ts';
import type { Entry } from '../../chat/entry.ts';
import type { Applied, CommittedBatch, Fold, Outcome } from '../../chat/fold.ts';
import type { Batch, Intent } from '../../chat/intent.ts';
import type { Forgettable, Projection, StorageTrouble } from '../../chat/projection.ts';
import { Receipts } from '../../chat/receipts.ts';
import type { Sessions } from '../../chat/sessions.ts';
import type { RefusalCode } from '../../protocol/vocabulary.ts';
import type { Log, OpenLog } from '../../store/log.ts';
import type { Router } from './router.ts';
import { Turn } from './turn.ts';

/** How many `seen` marks a batch carries. */
const SEEN_MARKS_PER_BATCH = 256;
/** Time between two log lines. A full disk refuses hundreds of commits a second, and the server log may be on it too. */
const LOG_EVERY_MS = 1_000;
/** With more batches that could not be stored, the thread starts again and reads them from the log. */
const MAX_UNSTORED_BATCHES = 10_000;

export interface LedgerParts {
  readonly projection: Projection;
  readonly fold: Fold;
  readonly sessions: Sessions;
  readonly router: Router;
  readonly logger: Logger;
}

export class Ledger {
  readonly receipts = new Receipts();
  readonly #parts: LedgerParts;
  readonly #log: Log;
  readonly #writer: string;
  #number = 0;
  /** The turn that is being collected. */
  #turn = new Turn();
  /** Turns that have been proposed and not been stored yet, by number. Bounded like the commands they come from. */
  readonly #inFlight = new Map<number, Turn>();
  /** `seen` marks that are not on disk yet, by account. A crash loses those of about a second. */
  readonly #seen = new Map<number, number>();
  /** Accounts whose retirement has been proposed and is not on disk yet. */
  readonly #retiring = new Set<Account>();
  /** Those of them whose retirement could not be stored. `retry` proposes it again. */
  #unfinished: Account[] = [];
  /** Pages of a numbered log that could not be stored, in order. */
  #unstored: Array<readonly CommittedBatch[]> = [];
  /** True from a failure that left open what is on disk, until the projection has been reopened. */
  #isBroken = false;
  #loggedAt = Number.NEGATIVE_INFINITY;

  /** `writer`: names this run of this node in the log. */
  constructor(writer: string, openLog: OpenLog, parts: LedgerParts) {
    this.#writer = writer;
    this.#parts = parts;
    this.#log = openLog(parts.projection.position, (page) => this.#committed(page));
  }

  /** Resolves when every batch that had been proposed before, also by an earlier run of this node, has come back. */
  barrier(): Promise<void> {
    return this.#log.barrier();
  }

  get isBroken(): boolean {
    return this.#isBroken;
  }

  /** The turn that is being collected. */
  get turn(): Turn {
    return this.#turn;
  }

  /** Proposes to retire an account: it leaves its rooms, its sessions end, and its name becomes free. */
  retire(account: Account): void {
    this.#retiring.add(account);
    this.#turn.ask({ kind: 'retire', account: account.id, user: account.name }, (outcome) => {
      if (typeof outcome === 'string') this.#unfinished.push(account);
      else this.#retiring.delete(account);
    });
  }

  /** True from the proposal to retire the account until that is on disk. Nobody can log in to the account then. */
  isRetiring(account: Account): boolean {
    return this.#retiring.has(account);
  }

  /** The account's `seen` mark; 0 if it has none. */
  seenBy(account: Account): number {
    account.seen ??= this.#seen.get(account.id) ?? this.#parts.projection.readSeen(account.id);
    return account.seen;
  }

  /** Moves the account's `seen` mark forward. One of the next batches stores it, within about a second. */
  see(account: Account, id: number): void {
    account.seen = id;
    this.#seen.set(account.id, id);
  }

  /** Removes what is too old. Returns true if there is more to remove. */
  forget(forgettable: Forgettable): boolean {
    if (this.#isBroken) return false;
    const outcome = this.#parts.projection.forget(forgettable);
    if (outcome.type === 'forgotten') return outcome.isMore;
    this.#failed(outcome, 0);
    return false;
  }

  /**
   * Tries again what failed: reopens the projection, stores the pages that wait, and retires the accounts that nobody else will
   * retire. A projection whose files have been moved away counts as failed.
   */
  retry(): void {
    const misplaced = this.#isBroken ? undefined : this.#parts.projection.misplaced();
    if (misplaced !== undefined) this.#failed({ type: 'storage_failed', error: new Error(misplaced) }, 0);
    else if (this.#isBroken) this.#reopen();
    if (!this.#isBroken) for (const page of this.#unstored.splice(0)) this.#committed(page);
    for (const account of this.#unfinished.splice(0)) this.retire(account);
  }

  /** Sends the turn into the log unless it is empty. */
  propose(): void {
    if (!this.#turn.isEmpty) this.#propose();
  }

  /** Like `propose`, but also if there are only marks to store. */
  proposeMarks(): void {
    if (this.#seen.size > 0) this.#propose(true);
    else this.propose();
  }

  /** Stores everything that is in flight and all marks, as far as the disk allows. */
  async finish(): Promise<void> {
    for (let left = this.#seen.size; left > 0; left -= SEEN_MARKS_PER_BATCH) this.#propose(true);
    this.propose();
    await this.#log.barrier();
  }

  close(): void {
    this.#log.close();
  }

  #propose(isForMarks = false): void {
    const turn = this.#turn;
    this.#turn = new Turn();
    if (this.#isBroken || this.#unstored.length > 0) {
      this.#refuse(turn, 'storage_failed');
      turn.finish();
      return;
    }
    const marks = turn.intents.length > 0 || isForMarks ? SEEN_MARKS_PER_BATCH : 0;
    for (const [account, id] of this.#seen.entries().take(marks)) {
      this.#seen.delete(account);
      turn.ask({ kind: 'seen', account, id }, (outcome) => {
        if (typeof outcome === 'string' && !this.#seen.has(account)) this.#seen.set(account, id);
      });
    }
    this.#number += 1;
    this.#inFlight.set(this.#number, turn);
    this.#log.propose({ writer: this.#writer, number: this.#number, intents: turn.intents });
  }

  #committed(page: readonly CommittedBatch[]): void {
    if (this.#unstored.length > 0) {
      this.#keep(page);
      return;
    }
    const applied = this.#apply(page);
    if (applied.type !== 'applied' && isNumbered(page)) {
      this.#keep(page);
      this.#failed(applied, page.length);
      return;
    }
    const turns = page.map(({ batch }) => this.#ownTurn(batch));
    for (const [index, turn] of turns.entries()) {
      if (applied.type === 'applied') this.#follow(applied.outcomes[index] ?? [], turn);
      else if (turn !== undefined) this.#refuse(turn, applied.type);
    }
    // Only now: the state is that after the whole page, so the whole page must have been routed.
    for (const [index, turn] of turns.entries()) {
      if (turn === undefined) continue;
      this.#inFlight.delete(page[index]?.batch.number ?? 0);
      turn.finish();
    }
    if (applied.type !== 'applied') this.#failed(applied, page.length);
  }

  #keep(page: readonly CommittedBatch[]): void {
    this.#unstored.push(page);
    const batches = this.#unstored.reduce((sum, { length }) => sum + length, 0);
    if (batches > MAX_UNSTORED_BATCHES) throw new Error(`${batches} batches of the log could not be stored`);
  }

  #apply(page: readonly CommittedBatch[]): Applied {
    if (this.#isBroken) {
      return { type: 'storage_failed', error: new Error('the database has not been opened again') };
    }
    const applied = this.#parts.fold.apply(page, (batch, index) => this.#ownTurn(batch)?.lookAt(index));
    if (applied.type !== 'applied') for (const { batch } of page) this.#ownTurn(batch)?.lookAgain();
    return applied;
  }

  #ownTurn({ writer, number }: Batch): Turn | undefined {
    return writer === this.#writer ? this.#inFlight.get(number) : undefined;
  }

  #follow(outcomes: readonly Outcome[], turn: Turn | undefined): void {
    for (const [index, outcome] of outcomes.entries()) {
      if (outcome.type === 'done') this.#followChanges(outcome);
      else if (outcome.type === 'refused' && outcome.code === 'storage_failed')
        this.#complain(outcome.code, 1);
      const intent = turn?.intents[index];
      if (turn !== undefined && intent !== undefined) this.#answer(intent, outcome, turn);
    }
    // The batch was on disk after a commit that had failed. Its entries have answered when they were found there; what else
    // was decided is not known any more.
    if (turn !== undefined && outcomes.length < turn.intents.length) this.#refuse(turn, 'storage_failed');
  }

  #followChanges({ entries, ended }: Extract<Outcome, { type: 'done' }>): void {
    for (const entry of entries) this.#followEntry(entry);
    if (ended !== undefined) this.#parts.router.expel(ended.id, 'failed');
  }

  #followEntry(entry: Entry): void {
    const { sessions, router } = this.#parts;
    if (entry.kind === 'joined') sessions.joined(entry.account, entry.room);
    else if (entry.kind === 'left') sessions.left(entry.account, entry.room);
    else this.receipts.sent(entry);
    router.route(entry);
  }

  /** An entry answers its command when it is routed. An intent that became no entry is answered here. */
  #answer(intent: Intent, outcome: Outcome, turn: Turn): void {
    const settle = turn.settleOf(intent);
    if (settle !== undefined) settle(outcome);
    else if (outcome.type === 'refused') this.#refuseOne(intent, outcome.code);
    else if (outcome.type === 'repeated' && 'origin' in intent && intent.origin !== null) {
      this.#parts.router.answer(intent.origin, [outcome.id, outcome.at]);
    }
  }

  /** Refuses every intent of a turn that could not be stored. */
  #refuse(turn: Turn, code: RefusalCode): void {
    for (const intent of turn.intents) {
      const settle = turn.settleOf(intent);
      if (settle !== undefined) settle(code);
      else this.#refuseOne(intent, code);
    }
  }

  #refuseOne(intent: Intent, code: RefusalCode): void {
    if ('origin' in intent && intent.origin !== null) this.#parts.router.refuse(intent.origin, code);
  }

  #failed(trouble: StorageTrouble, batches: number): void {
    this.#complain(trouble.type, batches, trouble.type === 'storage_failed' ? trouble.error : undefined);
    if (trouble.type !== 'storage_failed' || this.#isBroken) return;
    this.#isBroken = true;
    this.#reopen();
  }

  #complain(event: StorageTrouble['type'], batches: number, err?: Error): void {
    const now = performance.now();
    if (now - this.#loggedAt < LOG_EVERY_MS) return;
    this.#loggedAt = now;
    this.#parts.logger.error({ event, batches, err }, 'the log could not be written');
  }

  /** Reopens the projection; `retry` tries again if that fails. What turns out to be on disk is counted and routed. */
  #reopen(): void {
    const { projection, fold, router, logger } = this.#parts;
    try {
      projection.reopen();
      const ended = (account: Account): void => router.expel(account.id, 'failed');
      for (const entry of fold.recover(router.routed, ended)) this.#followEntry(entry);
    } catch (error) {
      logger.error({ event: 'storage_failed', err: error }, 'the log could not be opened again');
      return;
    }
    if (this.#isBroken) logger.warn({ event: 'storage_recovered' }, 'the log is open again');
    this.#isBroken = false;
  }
}

function isNumbered(page: readonly CommittedBatch[]): boolean {
  return page.some(({ position }) => position !== 0);
}
