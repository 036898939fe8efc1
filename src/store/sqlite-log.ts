/** `chat.db`: the message log and its fold in SQLite, written by the registry thread alone. */

import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { type Account, Directory } from '../chat/directory.ts';
import type { Draft, Entry, Origin } from '../chat/entry.ts';
import { foldName } from '../chat/names.ts';
import type { Appended, Batch, KeyUse, MessageLog, NewAccount } from './message-log.ts';
import { SCHEMA, SCHEMA_VERSION } from './schema.ts';

/** Primary result codes, https://www.sqlite.org/rescode.html */
const SQLITE_FULL = 13;

const KIND = { message: 0, direct: 0, joined: 1, left: 2 } as const;
/** Pairs of accounts whose conversation is remembered; the oldest are looked up again. */
const PAIRS_REMEMBERED = 100_000;
const KEYS_FORGOTTEN_A_CALL = 1_000;

/**
 * Opens or creates the log in `file`. Throws if the file is not a database, is damaged, or is of a later version.
 */
export function openSqliteLog(file: string): MessageLog {
  try {
    return new SqliteLog(file);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`${file} cannot be opened: ${reason}`, { cause });
  }
}

class SqliteLog implements MessageLog {
  readonly #file: string;
  #open: Open;
  lastId: number;

  constructor(file: string) {
    this.#file = file;
    this.#open = open(file);
    this.lastId = this.#readLastId();
  }

  append({ accounts, drafts, retired }: Batch): Appended {
    // One time for the whole batch: a clock that is set back in the middle must not turn its order round.
    const firstId = Math.max(Date.now() * 1_000, this.lastId + 1);
    const outcome = this.#transaction(() => {
      const added = accounts.map((account) => this.#insertAccount(account));
      const entries = drafts.map((draft, index) => this.#insert(draft, firstId + index));
      for (const account of retired) this.#open.retireAccount.run(account.id);
      return { accounts: added, entries };
    });
    if (outcome.type !== 'committed') return outcome;
    this.lastId = outcome.value.entries.at(-1)?.id ?? this.lastId;
    return { type: 'committed', ...outcome.value };
  }

  readAfter(id: number, limit: number): Entry[] {
    return this.#open.readAfter.all(id, limit).map(toEntry);
  }

  findKey(account: number, key: string): KeyUse | undefined {
    const row = this.#open.findKey.get(account, key);
    if (row === undefined) return undefined;
    const entry = this.#open.readOne.all(integer(row.id)).map(toEntry)[0];
    return {
      id: integer(row.id),
      isSame: (to, text) => entry !== undefined && isMessage(entry, to, text),
    };
  }

  forgetKeys(id: number): void {
    this.#transaction(() => this.#open.forgetKeys.run(id, KEYS_FORGOTTEN_A_CALL));
  }

  load(): Directory {
    const directory = new Directory();
    const byId = new Map<number, Account>();
    const withRooms = new Set<unknown>(this.#open.memberIds.all().map((row) => row.account));
    for (const [id, name, guest] of rows(this.#open.accounts)) {
      const account: Account = { id: integer(id), name: text(name), guest: guest === 1, rooms: undefined };
      directory.addAccount(account);
      if (withRooms.has(id)) byId.set(account.id, account);
    }
    for (const row of this.#open.members.iterate()) {
      const account = byId.get(integer(row.account));
      if (account === undefined) continue;
      const name = text(row.room);
      directory.addMember(
        directory.room(name) ?? directory.addRoom(integer(row.conversation), name),
        account,
      );
    }
    return directory;
  }

  reopen(): void {
    try {
      this.#open.db.close();
    } catch {
      // A connection that failed to close holds no lock that a new one would wait for; opening tells.
    }
    this.#open = open(this.#file);
    this.lastId = this.#readLastId();
  }

  close(): void {
    this.#open.db.close();
  }

  #readLastId(): number {
    return integer(this.#open.lastId.get()?.id ?? 0);
  }

  #transaction<T>(work: () => T): Committed<T> {
    const { db } = this.#open;
    try {
      db.exec('BEGIN IMMEDIATE');
      const value = work();
      db.exec('COMMIT');
      return { type: 'committed', value };
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      const code = 'errcode' in error && typeof error.errcode === 'number' ? error.errcode & 0xff : undefined;
      if (code === undefined) throw error;
      if (code === SQLITE_FULL && this.#rollback()) return { type: 'storage_full' };
      return { type: 'storage_failed', error };
    }
  }

  /** True when it is certain that nothing of the transaction remains. */
  #rollback(): boolean {
    try {
      if (this.#open.db.isTransaction) this.#open.db.exec('ROLLBACK');
      return true;
    } catch {
      return false;
    }
  }

  #insertAccount({ name, guest }: NewAccount): Account {
    const { lastInsertRowid } = this.#open.addAccount.run(name, foldName(name), guest ? 1 : 0);
    return { id: Number(lastInsertRowid), name, guest, rooms: undefined };
  }

  #insert(draft: Draft, id: number): Entry {
    const { origin } = draft;
    const kind = KIND[draft.kind];
    switch (draft.kind) {
      case 'message':
        this.#insertEntry(id, draft.room, kind, draft.account, draft.text, origin);
        if (draft.key !== null) this.#open.addKey.run(draft.account, draft.key, id);
        return { ...draft, id };
      case 'direct': {
        const pair = this.#pair(draft.account, draft.peer);
        this.#insertEntry(id, pair, kind, draft.account, draft.text, origin);
        if (draft.key !== null) this.#open.addKey.run(draft.account, draft.key, id);
        return { ...draft, id };
      }
      case 'joined': {
        const { room, roomName } = draft.room === 0 ? this.#room(draft.roomName) : draft;
        this.#insertEntry(id, room, kind, draft.account, null, origin);
        this.#open.addMember.run(draft.account, room, id);
        return { ...draft, room, roomName, id };
      }
      case 'left':
        this.#insertEntry(id, draft.room, kind, draft.account, null, origin);
        this.#open.endMember.run(id, draft.account, draft.room);
        return { ...draft, id };
      default:
        return draft satisfies never;
    }
  }

  #insertEntry(
    id: number,
    conversation: number,
    kind: number,
    account: number,
    body: string | null,
    origin: Origin | null,
  ): void {
    this.#open.addEntry.run(
      id,
      conversation,
      kind,
      account,
      body,
      origin?.shard ?? null,
      origin?.number ?? null,
    );
  }

  /** The room of that name, spelled as when it was made, which may be now. */
  #room(name: string): { room: number; roomName: string } {
    this.#open.addRoom.run(name, foldName(name));
    const row = this.#open.findRoom.get(foldName(name));
    return { room: integer(row?.id), roomName: text(row?.room) };
  }

  #pair(a: number, b: number): number {
    const low = Math.min(a, b);
    const high = Math.max(a, b);
    const name = `${low} ${high}`;
    const known = this.#open.pairs.get(name);
    if (known !== undefined) return known;
    // Not remembered when it was only just made: the transaction may still be undone, and its id given away again.
    const found = this.#open.findPair.get(low, high)?.id;
    if (found === undefined) return Number(this.#open.addPair.run(low, high).lastInsertRowid);
    this.#open.pairs.set(name, integer(found));
    if (this.#open.pairs.size > PAIRS_REMEMBERED) {
      for (const oldest of this.#open.pairs.keys()) {
        this.#open.pairs.delete(oldest);
        break;
      }
    }
    return integer(found);
  }
}

type Committed<T> =
  | { readonly type: 'committed'; readonly value: T }
  | Exclude<Appended, { readonly type: 'committed' }>;

interface Open {
  readonly db: DatabaseSync;
  readonly pairs: Map<string, number>;
  readonly lastId: StatementSync;
  readonly addEntry: StatementSync;
  readonly addKey: StatementSync;
  readonly findKey: StatementSync;
  readonly forgetKeys: StatementSync;
  readonly readAfter: StatementSync;
  readonly readOne: StatementSync;
  readonly addRoom: StatementSync;
  readonly findRoom: StatementSync;
  readonly addPair: StatementSync;
  readonly findPair: StatementSync;
  readonly addMember: StatementSync;
  readonly endMember: StatementSync;
  readonly accounts: StatementSync;
  readonly members: StatementSync;
  readonly memberIds: StatementSync;
  readonly addAccount: StatementSync;
  readonly retireAccount: StatementSync;
}

const ENTRY = `
  SELECT e.id, e.kind, e.account, a.name AS user, e.conversation, e.text, e.shard, e.number, c.room,
         CASE WHEN c.low = e.account THEN c.high ELSE c.low END AS peer, p.name AS peerName, k.key
  FROM entries e
  JOIN accounts a ON a.id = e.account
  JOIN conversations c ON c.id = e.conversation
  LEFT JOIN accounts p ON p.id = CASE WHEN c.low = e.account THEN c.high ELSE c.low END
  LEFT JOIN keys k ON k.id = e.id`;

function open(file: string): Open {
  const db = new DatabaseSync(file, { timeout: 5_000 });
  db.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA temp_store = MEMORY;
    PRAGMA foreign_keys = OFF;
  `);
  const version = integer(db.prepare('PRAGMA user_version').get()?.user_version);
  if (version > SCHEMA_VERSION) {
    db.close();
    throw new Error(
      `its version is ${version}, and this Parley knows versions up to ${SCHEMA_VERSION}: use a newer one`,
    );
  }
  if (version === 0) db.exec(`BEGIN IMMEDIATE; ${SCHEMA} PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`);
  return {
    db,
    pairs: new Map(),
    lastId: db.prepare('SELECT max(id) AS id FROM entries'),
    addEntry: db.prepare('INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?)'),
    addKey: db.prepare('INSERT INTO keys VALUES (?, ?, ?)'),
    findKey: db.prepare('SELECT id FROM keys WHERE account = ? AND key = ?'),
    forgetKeys: db.prepare(
      'DELETE FROM keys WHERE (account, key) IN (SELECT account, key FROM keys WHERE id <= ? LIMIT ?)',
    ),
    readAfter: db.prepare(`${ENTRY} WHERE e.id > ? ORDER BY e.id LIMIT ?`),
    readOne: db.prepare(`${ENTRY} WHERE e.id = ?`),
    addRoom: db.prepare('INSERT INTO conversations (room, folded) VALUES (?, ?) ON CONFLICT DO NOTHING'),
    findRoom: db.prepare('SELECT id, room FROM conversations WHERE folded = ?'),
    addPair: db.prepare('INSERT INTO conversations (low, high) VALUES (?, ?)'),
    findPair: db.prepare('SELECT id FROM conversations WHERE low = ? AND high = ?'),
    addMember: db.prepare('INSERT INTO members VALUES (?, ?, ?, NULL)'),
    endMember: db.prepare(
      'UPDATE members SET to_id = ? WHERE account = ? AND conversation = ? AND to_id IS NULL',
    ),
    accounts: asArrays(db.prepare('SELECT id, name, guest FROM accounts WHERE retired = 0')),
    members: db.prepare(
      `SELECT m.conversation, m.account, c.room FROM members m JOIN conversations c ON c.id = m.conversation
       WHERE m.to_id IS NULL ORDER BY m.from_id`,
    ),
    memberIds: db.prepare('SELECT DISTINCT account FROM members WHERE to_id IS NULL'),
    addAccount: db.prepare('INSERT INTO accounts (name, folded, guest) VALUES (?, ?, ?)'),
    retireAccount: db.prepare('UPDATE accounts SET retired = 1 WHERE id = ?'),
  };
}

/** A million rows as arrays take half the time of a million objects. */
function asArrays(statement: StatementSync): StatementSync {
  statement.setReturnArrays(true);
  return statement;
}

function* rows(statement: StatementSync): Iterable<readonly unknown[]> {
  for (const row of statement.iterate()) if (Array.isArray(row)) yield row;
}

type Row = Record<string, unknown>;

function toEntry(row: Row): Entry {
  const authored = {
    id: integer(row.id),
    account: integer(row.account),
    user: text(row.user),
    origin: row.shard === null ? null : { shard: integer(row.shard), number: integer(row.number) },
  };
  const kind = integer(row.kind);
  const room = integer(row.conversation);
  if (kind === KIND.joined) return { kind: 'joined', ...authored, room, roomName: text(row.room) };
  if (kind === KIND.left) return { kind: 'left', ...authored, room, roomName: text(row.room) };
  const said = { ...authored, text: text(row.text), key: row.key === null ? null : text(row.key) };
  return row.room === null
    ? { kind: 'direct', ...said, peer: integer(row.peer), peerName: text(row.peerName) }
    : { kind: 'message', ...said, room, roomName: text(row.room) };
}

function isMessage(entry: Entry, to: string, text: string): boolean {
  if (entry.kind !== 'message' && entry.kind !== 'direct') return false;
  const recipient = entry.kind === 'message' ? entry.roomName : entry.peerName;
  return foldName(recipient) === foldName(to) && entry.text === text;
}

function integer(value: unknown): number {
  if (typeof value !== 'number') throw new TypeError(`chat.db: expected an integer, found ${typeof value}`);
  return value;
}

function text(value: unknown): string {
  if (typeof value !== 'string') throw new TypeError(`chat.db: expected text, found ${typeof value}`);
  return value;
}
