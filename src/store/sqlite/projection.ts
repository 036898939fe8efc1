/** Writes `chat.db`: the entries of the log, and the fold of them. Only the registry's thread does. */

import { statSync } from 'node:fs';
import { type Account, Directory } from '../../chat/directory.ts';
import type { Draft, Entry } from '../../chat/entry.ts';
import { ENTRIES } from '../../chat/kinds/table.ts';
import { foldName } from '../../chat/names.ts';
import {
  type NewAccount,
  type Projection,
  type ProjectionWriter,
  type Pruned,
  type PruneLimits,
  StorageFailure,
  type Stored,
} from '../../chat/projection.ts';
import type { KeyUse } from '../../chat/state.ts';
import { UnusableFile } from '../files/data-file.ts';
import { Placement } from '../files/placement.ts';
import { BUSY_TIMEOUT_MS, type ChatDb, openChatDb, rows, WAL_LIMIT_BYTES } from './chat-db.ts';
import { integer, text, toEntry } from './entry-row.ts';
import { Pairs } from './pair-cache.ts';
import { isSqliteError, read } from './storage-failure.ts';

/** Primary result codes, https://www.sqlite.org/rescode.html */
const SQLITE_FULL = 13;

/**
 * Entries that are added to the conversation index at once, which takes about 8 ms of one turn. Batches of 1,024 cost 1 to 2 µs
 * more per message; doubling this gains nothing (measured).
 */
const INDEX_BATCH = 8_192;
/** Ids do not follow a clock that shows the year 2112 or later: it is wrong, and ids must stay below 2^53. */
const LATEST_ID = 2 ** 52;
/** How long a checkpoint may wait for readers, while messages wait for it. */
const CHECKPOINT_WAIT_MS = 10;

/**
 * Opens or creates the projection in `file`. `lock`: the lock file of the data folder. Throws if the file is not a database, is
 * damaged, or has a later version.
 */
export function openProjection(file: string, lock?: string): Projection {
  try {
    return new SqliteProjection(file, lock === undefined ? [] : [lock]);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`${file} cannot be opened: ${reason}`, { cause });
  }
}

class SqliteProjection implements Projection, ProjectionWriter {
  readonly #file: string;
  /** The places of the database, its folder and the lock file, which never change while it is open. */
  readonly #placement: Placement;
  /** The places of the write-ahead log and its index, which are new whenever the database has been closed everywhere. */
  #walPlacement: Placement;
  #open: ChatDb;
  /** Entries that are not in `places` yet. */
  #unplaced: number;
  #isWriting = false;
  readonly #pairs = new Pairs();
  lastId: number;
  position: number;

  constructor(file: string, others: readonly string[]) {
    this.#file = file;
    this.#open = openChatDb(file);
    this.#placement = Placement.of(file, ...others);
    this.#walPlacement = walPlacementOf(file);
    this.lastId = this.#readLastId();
    this.position = this.#readPosition();
    this.#unplaced = this.#countUnplaced();
  }

  transact<T>(work: (write: ProjectionWriter) => T): Stored<T> {
    const { lastId, position } = this;
    const unplaced = this.#unplaced;
    const outcome = this.#transaction(() => {
      const value = work(this);
      this.#place();
      return value;
    });
    if (outcome.type !== 'committed') {
      this.lastId = lastId;
      this.position = position;
      this.#unplaced = unplaced;
    }
    return outcome;
  }

  entry(draft: Draft, at: number): Entry {
    const time = Math.max(0, at);
    // If the clock was set back or is absurd, ids continue from the last one.
    const id = Math.max(time * 1_000 < LATEST_ID ? time * 1_000 : 0, this.lastId + 1);
    this.lastId = id;
    this.#unplaced += 1;
    return this.#insert(draft, id, time);
  }

  begin({ name, guest }: NewAccount): Account {
    const { lastInsertRowid } = this.#open.addAccount.run(name, foldName(name), guest ? 1 : 0);
    return { id: Number(lastInsertRowid), name, guest, rooms: undefined, seen: 0 };
  }

  end(account: Account): void {
    this.#open.retireAccount.run(account.id);
  }

  mark(account: number, id: number): void {
    this.#open.writeSeen.run(account, id);
  }

  moveTo(position: number): void {
    this.#open.setPosition.run(position);
    this.position = position;
  }

  readAfter(id: number, limit: number): Entry[] {
    return read(() => this.#open.readAfter.all(id, limit).map(toEntry));
  }

  readNewest(limit: number): Entry[] {
    return read(() => this.#open.readNewest.all(limit).map(toEntry).reverse());
  }

  readSeen(account: number): number {
    return read(() => integer(this.#open.readSeen.get(account)?.id ?? 0));
  }

  readAccountsAfter(id: number): Account[] {
    return read(() => Array.from(rows(this.#open.accounts, id), toAccount));
  }

  findKey(account: number, key: string): KeyUse | undefined {
    try {
      return this.#findKey(account, key);
    } catch (error) {
      // After some errors SQLite has undone the whole transaction; then nothing more may be written as if it were still open.
      if (error instanceof StorageFailure && this.#isWriting && !this.#open.db.isTransaction)
        throw error.cause;
      throw error;
    }
  }

  #findKey(account: number, key: string): KeyUse | undefined {
    const found = read(() => this.#open.findKey.get(account, key)?.id);
    if (found === undefined) return undefined;
    const id = integer(found);
    const entry = read(() => this.#open.readOne.all(id).map(toEntry)[0]);
    return {
      id,
      at: entry?.at ?? Math.floor(id / 1_000),
      isSame: (to, text) => entry !== undefined && isMessage(entry, to, text),
    };
  }

  prune(limits: PruneLimits): Pruned {
    const outcome = this.#transaction(() => this.#open.retention.prune(limits));
    return outcome.type === 'committed' ? { type: 'pruned', isMore: outcome.value } : outcome;
  }

  boundWal(): void {
    if (sizeOf(`${this.#file}-wal`) > WAL_LIMIT_BYTES) this.#emptyWal();
  }

  /**
   * Moves the whole write-ahead log into the database if no reader prevents it. This goes through the open files, whatever their
   * names lead to now: the database is then complete without a log that may be gone, and a database that somebody has put in
   * its place finds no log of another.
   */
  #emptyWal(): void {
    const { db } = this.#open;
    if (!db.isOpen) return;
    db.exec(`PRAGMA busy_timeout = ${CHECKPOINT_WAIT_MS}`);
    try {
      db.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get();
    } catch {
      // A disk that fails here also fails at the next commit, which reports it.
    }
    db.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
  }

  load(): Directory {
    const directory = new Directory();
    const byId = new Map<number, Account>();
    const withRooms = new Set<unknown>(this.#open.memberIds.all().map((row) => row.account));
    for (const row of rows(this.#open.accounts, 0)) {
      const account = toAccount(row);
      directory.addAccount(account);
      if (withRooms.has(account.id)) byId.set(account.id, account);
    }
    for (const row of this.#open.members.iterate()) {
      const account = byId.get(integer(row.account));
      if (account === undefined) continue;
      const name = text(row.room);
      directory.addMember(
        directory.room(name) ?? directory.addRoom(integer(row.conversation), name),
        account,
        integer(row.from_id),
      );
    }
    return directory;
  }

  misplaced(): string | undefined {
    return this.#placement.fault() ?? this.#walPlacement.fault();
  }

  reopen(): void {
    this.#checkPlacement();
    // It serves reads until the new one is open, unless it holds a lock that the new one needs.
    if (this.#open.db.isOpen && this.#open.db.isTransaction) this.#open.db.close();
    const reopened = openChatDb(this.#file);
    this.close();
    this.#open = reopened;
    this.#walPlacement = walPlacementOf(this.#file);
    this.#pairs.clear();
    this.lastId = this.#readLastId();
    this.position = this.#readPosition();
    this.#unplaced = this.#countUnplaced();
  }

  close(): void {
    if (this.#open.db.isOpen) this.#open.db.close();
  }

  /** Throws if the names lead elsewhere: SQLite would create other files there and mix them with the open ones. */
  #checkPlacement(): void {
    const fault = this.misplaced();
    if (fault === undefined) return;
    this.#emptyWal();
    throw misplacedError(fault);
  }

  /** Adds entries to `places` when enough have accumulated. */
  #place(): void {
    if (this.#unplaced < INDEX_BATCH) return;
    this.#open.place.run();
    this.#open.setPlaced.run();
    this.#unplaced = 0;
  }

  #countUnplaced(): number {
    return integer(this.#open.countUnplaced.get()?.count);
  }

  #readPosition(): number {
    return integer(this.#open.position.get()?.position);
  }

  #readLastId(): number {
    return integer(this.#open.lastId.get()?.id ?? 0);
  }

  #transaction<T>(work: () => T): Stored<T> {
    const { db } = this.#open;
    try {
      db.exec('BEGIN IMMEDIATE');
      this.#isWriting = true;
      const value = work();
      db.exec('COMMIT');
      const fault = this.#placement.faultIfDue() ?? this.#walPlacement.faultIfDue();
      if (fault !== undefined) throw misplacedError(fault);
      return { type: 'committed', value };
    } catch (thrown) {
      // A read within the transaction may have failed.
      const error = thrown instanceof StorageFailure ? thrown.cause : thrown;
      if (!isSqliteError(error)) throw thrown;
      const code = error.errcode & 0xff;
      // Conversations that it created are undone, and SQLite will use their ids again.
      this.#pairs.clear();
      const isUndone = this.#rollback();
      if (code === SQLITE_FULL && isUndone) return { type: 'storage_full' };
      return { type: 'storage_failed', error };
    } finally {
      this.#isWriting = false;
    }
  }

  /** True if it is certain that nothing of the transaction remains. */
  #rollback(): boolean {
    try {
      if (this.#open.db.isTransaction) this.#open.db.exec('ROLLBACK');
      return true;
    } catch {
      return false;
    }
  }

  #insert(draft: Draft, id: number, at: number): Entry {
    const stored = 'room' in draft && draft.room === 0 ? { ...draft, ...this.#room(draft.roomName) } : draft;
    const { account, origin } = stored;
    const { code, membership } = ENTRIES[stored.kind];
    const conversation = 'room' in stored ? stored.room : this.#pair(account, stored.peer);
    // `get`, although nothing is read: `run` creates a result object, which is a sixth of the cost of a row (measured).
    this.#open.addEntry.get(
      id,
      conversation,
      code,
      account,
      'text' in stored ? stored.text : null,
      origin?.shard ?? null,
      origin?.number ?? null,
      at,
      stored.about ?? null,
      stored.data ?? null,
    );
    if ('key' in stored && stored.key !== null) this.#open.addKey.get(account, stored.key, id);
    if (membership === 'begins') this.#open.addMember.run(account, conversation, id);
    else if (membership === 'ends') this.#open.endMember.run(id, account, conversation);
    return { ...stored, id, at };
  }

  /** The room of that name, created if it is new. Its name is spelled as when it was created. */
  #room(name: string): { room: number; roomName: string } {
    this.#open.addRoom.run(name, foldName(name));
    const row = this.#open.findRoom.get(foldName(name));
    return { room: integer(row?.id), roomName: text(row?.room) };
  }

  #pair(a: number, b: number): number {
    const low = Math.min(a, b);
    const high = Math.max(a, b);
    const known = this.#pairs.find(low, high);
    if (known !== undefined) return known;
    const found = integer(
      this.#open.findPair.get(low, high)?.id ?? Number(this.#open.addPair.run(low, high).lastInsertRowid),
    );
    this.#pairs.remember(low, high, found);
    return found;
  }
}

function walPlacementOf(file: string): Placement {
  return Placement.of(`${file}-wal`, `${file}-shm`);
}

function misplacedError(fault: string): UnusableFile {
  return new UnusableFile(`${fault}: put it back as it was, or restart the server`);
}

function toAccount([id, name, guest]: readonly unknown[]): Account {
  return { id: integer(id), name: text(name), guest: guest === 1, rooms: undefined, seen: undefined };
}

function isMessage(entry: Entry, to: string, text: string): boolean {
  if (!('text' in entry)) return false;
  const recipient = 'peer' in entry ? entry.peerName : entry.roomName;
  return foldName(recipient) === foldName(to) && entry.text === text;
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}
