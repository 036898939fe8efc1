/**
 * Proposes the registry's turns to the log, and handles the batches that the log commits: the fold decides the intents and
 * stores the result; then the ledger routes every entry and answers every command.
 *
 * Nobody sees anything before it is on disk. If a page cannot be stored, the fold undoes it. On a single machine the ledger
 * then refuses its turns. In a numbered log the page has taken effect on all other nodes, so the ledger keeps it, stores it
 * before any newer one, and leaves its turns in flight. After a failure that leaves the state on disk unknown, the ledger
 * refuses new turns until it has reopened and read the projection.
 */

import type { Logger } from 'pino';
import type { Account } from '../../chat/directory.ts';
import type { Entry } from '../../chat/entry.ts';
import type { Applied, CommittedBatch, Fold, Outcome } from '../../chat/fold.ts';
import type { Batch, Intent } from '../../chat/intent.ts';
import type { Projection, PruneLimits, StorageTrouble } from '../../chat/projection.ts';
import { Receipts } from '../../chat/receipts.ts';
import type { Sessions } from '../../chat/sessions.ts';
import type { RefusalCode } from '../../protocol/vocabulary.ts';
import type { Log, OpenLog } from '../../store/log.ts';
import type { Router } from './router.ts';
import { Turn } from './turn.ts';

/** How many `seen` marks a batch carries. */
const SEEN_MARKS_PER_BATCH = 256;
/** Minimum time between two log lines. A full disk fails hundreds of commits a second, and may hold the server log too. */
const LOG_INTERVAL_MS = 1_000;
/** If more batches than this cannot be stored, the thread fails, so that its successor reads them from the log. */
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
  /** Proposed turns that are not stored yet, by number. Bounded, because shards limit their unanswered commands. */
  readonly #inFlight = new Map<number, Turn>();
  /** `seen` marks that are not on disk yet, by account. A crash loses those of about a second. */
  readonly #seen = new Map<number, number>();
  /** Accounts whose retirement has been proposed and is not on disk yet. */
  readonly #retiring = new Set<Account>();
  /** The accounts among them whose retirement could not be stored. `retry` proposes it again. */
  #notRetired: Account[] = [];
  /** Pages of a numbered log that could not be stored, in order. */
  #unstored: Array<readonly CommittedBatch[]> = [];
  /** True after a failure that left the state on disk unknown, until the projection has been reopened. */
  #isBroken = false;
  #loggedAt = Number.NEGATIVE_INFINITY;

  /** `writer`: identifies this run of this node in the log. */
  constructor(writer: string, openLog: OpenLog, parts: LedgerParts) {
    this.#writer = writer;
    this.#parts = parts;
    this.#log = openLog(parts.projection.position, (page) => this.#committed(page));
  }

  /** Resolves when the log has committed every batch proposed so far, including those of an earlier run of this node. */
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
    this.#turn.addIntent({ kind: 'retire', account: account.id, user: account.name }, (outcome) => {
      if (typeof outcome === 'string') this.#notRetired.push(account);
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
  markSeen(account: Account, id: number): void {
    account.seen = id;
    this.#seen.set(account.id, id);
  }

  /** Removes what is too old. Returns true if there is more to remove. */
  prune(limits: PruneLimits): boolean {
    if (this.#isBroken) return false;
    const outcome = this.#parts.projection.prune(limits);
    if (outcome.type === 'pruned') return outcome.isMore;
    this.#handleFailure(outcome, 0);
    return false;
  }

  /**
   * Retries what failed: reopens the projection, stores the pages that are waiting, and proposes again to retire accounts.
   * A projection whose files have been moved or deleted counts as failed.
   */
  retry(): void {
    const misplaced = this.#isBroken ? undefined : this.#parts.projection.misplaced();
    if (misplaced !== undefined)
      this.#handleFailure({ type: 'storage_failed', error: new Error(misplaced) }, 0);
    else if (this.#isBroken) this.#reopen();
    if (!this.#isBroken) for (const page of this.#unstored.splice(0)) this.#committed(page);
    for (const account of this.#notRetired.splice(0)) this.retire(account);
  }

  /** Proposes the turn to the log unless it is empty. */
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
      turn.addIntent({ kind: 'seen', account, id }, (outcome) => {
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
      this.#handleFailure(applied, page.length);
      return;
    }
    const turns = page.map(({ batch }) => this.#takeOwnTurn(batch));
    for (const [index, turn] of turns.entries()) {
      if (applied.type === 'applied') this.#publish(applied.outcomes[index] ?? [], turn);
      else if (turn !== undefined) this.#refuse(turn, applied.type);
    }
    // Not before the whole page has been routed, because the actions of `whenDone` see the state after the whole page.
    for (const turn of turns) turn?.finish();
    if (applied.type !== 'applied') this.#handleFailure(applied, page.length);
  }

  #keep(page: readonly CommittedBatch[]): void {
    this.#unstored.push(page);
    const batches = this.#unstored.reduce((sum, { length }) => sum + length, 0);
    if (batches > MAX_UNSTORED_BATCHES) throw new Error(`${batches} batches of the log could not be stored`);
  }

  #apply(page: readonly CommittedBatch[]): Applied {
    if (this.#isBroken) {
      return { type: 'storage_failed', error: new Error('the database has not been reopened') };
    }
    const applied = this.#parts.fold.apply(page, (batch, index) => this.#ownTurn(batch)?.runQueries(index));
    if (applied.type !== 'applied') for (const { batch } of page) this.#ownTurn(batch)?.discardAnswers();
    return applied;
  }

  #ownTurn({ writer, number }: Batch): Turn | undefined {
    return writer === this.#writer ? this.#inFlight.get(number) : undefined;
  }

  /** Ends the flight of the batch's turn. A batch that comes again, even in the same page, finds no turn. */
  #takeOwnTurn(batch: Batch): Turn | undefined {
    const turn = this.#ownTurn(batch);
    if (turn !== undefined) this.#inFlight.delete(batch.number);
    return turn;
  }

  #publish(outcomes: readonly Outcome[], turn: Turn | undefined): void {
    for (const [index, outcome] of outcomes.entries()) {
      if (outcome.type === 'done') this.#publishChanges(outcome);
      else if (outcome.type === 'refused' && outcome.code === 'storage_failed')
        this.#logFailure(outcome.code, 1);
      const intent = turn?.intents[index];
      if (turn !== undefined && intent !== undefined) this.#answer(intent, outcome, turn);
    }
    // A commit of this batch was reported as failed but did reach the disk. Its entries were routed, and so answered, when
    // they were found there. The other outcomes are lost.
    if (turn !== undefined && outcomes.length < turn.intents.length) this.#refuse(turn, 'storage_failed');
  }

  #publishChanges({ entries, ended }: Extract<Outcome, { type: 'done' }>): void {
    for (const entry of entries) this.#publishEntry(entry);
    if (ended !== undefined) this.#parts.router.endSessions(ended.id, 'failed');
  }

  #publishEntry(entry: Entry): void {
    const { sessions, router } = this.#parts;
    if (entry.kind === 'joined') sessions.joined(entry.account, entry.room);
    else if (entry.kind === 'left') sessions.left(entry.account, entry.room);
    else this.receipts.track(entry);
    router.route(entry);
  }

  /** Answers an intent that resulted in no entry. An entry answers its command when it is routed. */
  #answer(intent: Intent, outcome: Outcome, turn: Turn): void {
    const onOutcome = turn.callbackOf(intent);
    if (onOutcome !== undefined) onOutcome(outcome);
    else if (outcome.type === 'refused') this.#refuseOne(intent, outcome.code);
    else if (outcome.type === 'repeated' && 'origin' in intent && intent.origin !== null) {
      this.#parts.router.answer(intent.origin, [outcome.id, outcome.at]);
    }
  }

  /** Refuses every intent of a turn that could not be stored. */
  #refuse(turn: Turn, code: RefusalCode): void {
    for (const intent of turn.intents) {
      const onOutcome = turn.callbackOf(intent);
      if (onOutcome !== undefined) onOutcome(code);
      else this.#refuseOne(intent, code);
    }
  }

  #refuseOne(intent: Intent, code: RefusalCode): void {
    if ('origin' in intent && intent.origin !== null) this.#parts.router.refuse(intent.origin, code);
  }

  #handleFailure(trouble: StorageTrouble, batches: number): void {
    this.#logFailure(trouble.type, batches, trouble.type === 'storage_failed' ? trouble.error : undefined);
    if (trouble.type !== 'storage_failed' || this.#isBroken) return;
    this.#isBroken = true;
    this.#reopen();
  }

  #logFailure(event: StorageTrouble['type'], batches: number, err?: Error): void {
    const now = performance.now();
    if (now - this.#loggedAt < LOG_INTERVAL_MS) return;
    this.#loggedAt = now;
    this.#parts.logger.error({ event, batches, err }, 'the log could not be written');
  }

  /** Reopens the projection, and routes the entries that turn out to be on disk. `retry` tries again if this fails. */
  #reopen(): void {
    const { projection, fold, router, logger } = this.#parts;
    try {
      projection.reopen();
      const ended = (account: Account): void => router.endSessions(account.id, 'failed');
      for (const entry of fold.recover(router.routed, ended)) this.#publishEntry(entry);
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
