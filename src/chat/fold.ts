/**
 * The fold: applies the batches of the log, in order, to the state in memory and to its projection on disk.
 *
 * A page of batches is one transaction. Callers must not show anybody any of it before it is on disk. If it cannot be
 * stored, the fold restores the state in memory.
 */

import { decide } from './decide.ts';
import type { Account, Directory } from './directory.ts';
import type { Entry } from './entry.ts';
import type { Batch, Intent } from './intent.ts';
import { Journal } from './journal.ts';
import { applyBegun, applyEnded } from './kinds/accounts.ts';
import type { EntryKind } from './kinds/entry-kind.ts';
import { ENTRIES } from './kinds/table.ts';
import { type Projection, type ProjectionWriter, StorageFailure, type StorageTrouble } from './projection.ts';
import { type ChatState, type Decision, type KeyUse, refused } from './state.ts';

/** A batch with its position in the log. */
export interface CommittedBatch {
  /** The number of the batch in the log, from 1; 0 if the log does not number its batches. */
  readonly position: number;
  /** The wall clock when the batch was committed, in milliseconds since 1970. */
  readonly at: number;
  readonly batch: Batch;
}

/** The result of an intent: the changes that it made, or the reason why it made none. */
export type Outcome =
  | {
      readonly type: 'done';
      readonly entries: readonly Entry[];
      readonly begun: Account | undefined;
      readonly ended: Account | undefined;
    }
  | Exclude<Decision, { readonly type: 'changes' }>;

/** `outcomes`: for each batch of the page, the outcomes of its intents; empty if the batch was applied earlier. */
export type Applied =
  | { readonly type: 'applied'; readonly outcomes: ReadonlyArray<readonly Outcome[]> }
  | StorageTrouble;

/** Called before each intent of the batch is decided, with its index, and once after the last. */
export type BetweenIntents = (batch: Batch, index: number) => void;

const PAGE = 500;

type EntryKinds = { readonly [Kind in Entry['kind']]: EntryKind<Extract<Entry, { kind: Kind }>> };

const KINDS: EntryKinds = ENTRIES;

export class Fold implements ChatState {
  readonly directory: Directory;
  readonly #projection: Projection;
  readonly #journal = new Journal();

  constructor(projection: Projection) {
    this.#projection = projection;
    this.directory = projection.load();
  }

  findKey(account: number, key: string): KeyUse | undefined {
    return this.#projection.findKey(account, key);
  }

  /**
   * Decides and stores a page. Throws if the log skips a position, because a fold without that batch would differ from all
   * others for ever.
   */
  apply(page: readonly CommittedBatch[], between: BetweenIntents = () => {}): Applied {
    if (page.every(({ position, batch }) => position === 0 && batch.intents.length === 0)) {
      // There is nothing to write, so do not wait for the lock on the database.
      for (const { batch } of page) between(batch, 0);
      return { type: 'applied', outcomes: page.map(() => []) };
    }
    const applied = this.#projection.transact((write) => {
      let { position } = this.#projection;
      const outcomes = page.map((committed) => {
        if (committed.position !== 0 && committed.position <= position) return [];
        if (committed.position > position + 1) {
          throw new Error(`the log skips from position ${position} to ${committed.position}`);
        }
        position = Math.max(position, committed.position);
        return this.#applyBatch(committed, write, between);
      });
      if (position !== this.#projection.position) write.moveTo(position);
      return outcomes;
    });
    if (applied.type === 'committed') {
      this.#journal.commit();
      return { type: 'applied', outcomes: applied.value };
    }
    this.#journal.rollback();
    return applied;
  }

  /**
   * Brings the state in memory up to date with the disk after a commit whose result is unknown. Yields the entries on disk
   * after the id `after`, and calls `ended` for each account that has ended.
   */
  *recover(after: number, ended: (account: Account) => void): Generator<Entry> {
    const accounts = this.#projection.readAccountsAfter(0);
    const { newestAccountId } = this.directory;
    for (const account of accounts) {
      if (account.id <= newestAccountId) continue;
      const former = this.directory.account(account.name);
      if (former !== undefined) {
        this.directory.removeAccount(former);
        ended(former);
      }
      this.directory.addAccount(account);
    }
    for (let cursor = after; ; ) {
      const entries = this.#projection.readAfter(cursor, PAGE);
      for (const entry of entries) {
        this.#applyEntry(entry);
        cursor = entry.id;
        yield entry;
      }
      if (entries.length < PAGE) break;
    }
    // After the entries, because they remove the account from its rooms.
    const present = new Set(accounts.map(({ id }) => id));
    for (const account of [...this.directory.accounts()]) {
      if (present.has(account.id)) continue;
      this.directory.removeAccount(account);
      ended(account);
    }
    this.#journal.commit();
  }

  #applyBatch(
    { position, at, batch }: CommittedBatch,
    write: ProjectionWriter,
    between: BetweenIntents,
  ): Outcome[] {
    const outcomes = batch.intents.map((intent, index) => {
      between(batch, index);
      return this.#applyIntent(this.#decide(intent, position), at, write);
    });
    between(batch, batch.intents.length);
    return outcomes;
  }

  /**
   * If the disk fails to look up a key, only the intent with that key is refused. In a numbered log the page fails instead,
   * because other nodes can read the key, and all nodes must decide alike.
   */
  #decide(intent: Intent, position: number): Decision {
    try {
      return decide(this, intent);
    } catch (error) {
      if (!(error instanceof StorageFailure) || position !== 0) throw error;
      return refused('storage_failed');
    }
  }

  #applyIntent(decision: Decision, at: number, write: ProjectionWriter): Outcome {
    if (decision.type !== 'changes') return decision;
    const entries: Entry[] = [];
    let begun: Account | undefined;
    let ended: Account | undefined;
    for (const change of decision.changes) {
      switch (change.kind) {
        case 'begun':
          begun = write.begin(change);
          applyBegun(this.directory, begun, this.#journal);
          break;
        case 'ended':
          ended = change.account;
          write.end(ended);
          applyEnded(this.directory, ended, this.#journal);
          break;
        case 'marked':
          write.mark(change.account, change.id);
          break;
        default:
          entries.push(this.#applyEntry(write.entry(change, at)));
      }
    }
    return { type: 'done', entries, begun, ended };
  }

  #applyEntry<Kind extends Entry['kind']>(entry: Extract<Entry, { kind: Kind }>): Entry {
    const kind: Kind = entry.kind;
    KINDS[kind].apply?.(this.directory, entry, this.#journal);
    return entry;
  }
}
