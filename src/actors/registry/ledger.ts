/**
 * The turns of the registry on their way through the log, and what follows when they come back: the fold decides their
 * intents and stores the result, and every entry is then counted, routed and answered.
 *
 * Nothing is shown to anybody before it is on disk. A page that cannot be stored is undone and refused as a whole. After a
 * failure that leaves open what is on disk everything is refused, until the projection has been opened again and read: then
 * it decides.
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

/** Marks of what accounts have seen that one batch takes along. */
const MARKS_PER_BATCH = 256;
/** A full disk refuses hundreds of commits a second, and the server's own log may be on it too. */
const LOG_EVERY_MS = 1_000;

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
  /** The turn that is being gathered. */
  #turn = new Turn();
  /** Turns that have been proposed and have not come back, by number, in order. Bounded like the commands they come from. */
  readonly #inFlight = new Map<number, Turn>();
  /** What accounts have been shown everything up to, as far as it is not on disk. A crash loses a second of it. */
  readonly #seen = new Map<number, number>();
  /** Accounts whose end has been asked for, and is not on disk. */
  readonly #retiring = new Set<Account>();
  /** Of these, those whose end could not be stored: tried again later. */
  #unfinished: Account[] = [];
  /** True from a failure that left open what is on disk, until the projection has been opened again. */
  #isBroken = false;
  #loggedAt = Number.NEGATIVE_INFINITY;

  /** `writer`: names this run of this node in the log. */
  constructor(writer: string, openLog: OpenLog, parts: LedgerParts) {
    this.#writer = writer;
    this.#parts = parts;
    this.#log = openLog(parts.projection.position, (page) => this.#committed(page));
  }

  get isBroken(): boolean {
    return this.#isBroken;
  }

  /** The turn that is being gathered. */
  get turn(): Turn {
    return this.#turn;
  }

  /** Asks for the end of an account: it leaves its rooms, its sessions end, and its name is free. */
  retire(account: Account): void {
    this.#retiring.add(account);
    this.#turn.ask({ kind: 'retire', account: account.id, user: account.name }, (outcome) => {
      if (typeof outcome === 'string') this.#unfinished.push(account);
      else this.#retiring.delete(account);
    });
  }

  /** True from when the end of an account is asked for until it is on disk: nobody comes in as this account any more. */
  isRetiring(account: Account): boolean {
    return this.#retiring.has(account);
  }

  /** What the account has been shown everything up to; 0 for nothing yet. */
  seenBy(account: Account): number {
    account.seen ??= this.#seen.get(account.id) ?? this.#parts.projection.readSeen(account.id);
    return account.seen;
  }

  /** Moves the account's mark forward. It is on disk with one of the next batches, within about a second. */
  see(account: Account, id: number): void {
    account.seen = id;
    this.#seen.set(account.id, id);
  }

  /** Removes what is too old. True if there is more to remove. */
  forget(forgettable: Forgettable): boolean {
    if (this.#isBroken) return false;
    const outcome = this.#parts.projection.forget(forgettable);
    if (outcome.type === 'forgotten') return outcome.isMore;
    this.#failed(outcome, 0);
    return false;
  }

  /** Takes up again what nobody asked for, and so nobody will ask for again; and a projection that has failed, or now turns out to have. */
  retry(): void {
    const misplaced = this.#isBroken ? undefined : this.#parts.projection.misplaced();
    if (misplaced !== undefined) this.#failed({ type: 'storage_failed', error: new Error(misplaced) }, 0);
    else if (this.#isBroken) this.#reopen();
    for (const account of this.#unfinished.splice(0)) this.retire(account);
  }

  /** Sends the turn into the log, if there is anything in it. */
  propose(): void {
    if (!this.#turn.isEmpty) this.#propose();
  }

  /** As `propose`, and also when there is nothing but marks. */
  proposeMarks(): void {
    if (this.#seen.size > 0) this.#propose(true);
    else this.propose();
  }

  /** Stores what is under way, and all marks there are, as far as the disk lets it. */
  async finish(): Promise<void> {
    for (let left = this.#seen.size; left > 0; left -= MARKS_PER_BATCH) this.#propose(true);
    this.propose();
    await this.#log.barrier();
  }

  close(): void {
    this.#log.close();
  }

  #propose(isForMarks = false): void {
    const turn = this.#turn;
    this.#turn = new Turn();
    if (this.#isBroken) {
      this.#refuse(turn, 'storage_failed');
      turn.finish();
      return;
    }
    const marks = turn.intents.length > 0 || isForMarks ? MARKS_PER_BATCH : 0;
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
    const applied = this.#apply(page);
    const turns = page.map(({ batch }) => this.#ownTurn(batch));
    for (const [index, turn] of turns.entries()) {
      if (applied.type === 'applied') this.#follow(applied.outcomes[index] ?? [], turn);
      else if (turn !== undefined) this.#refuse(turn, applied.type);
    }
    // Not before: the state is that behind the whole page, and so must be what has been routed.
    for (const [index, turn] of turns.entries()) {
      if (turn === undefined) continue;
      this.#inFlight.delete(page[index]?.batch.number ?? 0);
      turn.finish();
    }
    if (applied.type !== 'applied') this.#failed(applied, page.length);
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
      const intent = turn?.intents[index];
      if (turn !== undefined && intent !== undefined) this.#answer(intent, outcome, turn);
    }
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

  /** An entry answers the command that it came from, by its origin. What became no entry is answered here. */
  #answer(intent: Intent, outcome: Outcome, turn: Turn): void {
    const settle = turn.settleOf(intent);
    if (settle !== undefined) settle(outcome);
    else if (outcome.type === 'refused') this.#refuseOne(intent, outcome.code);
    else if (outcome.type === 'repeated' && 'origin' in intent && intent.origin !== null) {
      this.#parts.router.answer(intent.origin, [outcome.id, outcome.at]);
    }
  }

  /** What depends on a batch that could not be stored cannot be stored either. Everything else of the turn is done. */
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
    const now = performance.now();
    if (now - this.#loggedAt >= LOG_EVERY_MS) {
      this.#loggedAt = now;
      const err = trouble.type === 'storage_failed' ? trouble.error : undefined;
      this.#parts.logger.error({ event: trouble.type, batches, err }, 'the log could not be written');
    }
    if (trouble.type !== 'storage_failed' || this.#isBroken) return;
    this.#isBroken = true;
    this.#reopen();
  }

  /** The disk decides what is stored: whatever turns out to be is counted and routed. Tried again at the next `retry`. */
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
