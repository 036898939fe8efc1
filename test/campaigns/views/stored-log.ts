/** Reads `chat.db` with SQLite alone, without the server's code. */

import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Item } from './observed-view.ts';

export interface StoredEntry extends Item {
  /** The account's id, because several accounts may have had one name. */
  readonly account: number;
  /** The other account of a conversation of two, which may be the same; 0 in a room. */
  readonly peer: number;
}

const KINDS = ['message', 'joined', 'left'] as const;

const ENTRIES = `
  SELECT e.id, e.kind, e.account, a.name AS user, e.text, k.key,
         CASE WHEN c.low = e.account THEN c.high ELSE c.low END AS peer,
         coalesce(c.room, (SELECT name FROM accounts WHERE id = CASE WHEN c.low = e.account THEN c.high ELSE c.low END)) AS place
  FROM entries e
  JOIN accounts a ON a.id = e.account
  JOIN conversations c ON c.id = e.conversation
  LEFT JOIN keys k ON k.id = e.id
  WHERE e.id > ?
  ORDER BY e.id`;

/** The entries after `id`, in order. */
export function readEntries(data: string, id: number): StoredEntry[] {
  return readDb(data, (db) =>
    db
      .prepare(ENTRIES)
      .all(id)
      .map((row) => ({
        id: Number(row.id),
        kind: KINDS[Number(row.kind)] ?? 'message',
        account: Number(row.account),
        user: String(row.user),
        place: String(row.place ?? ''),
        peer: Number(row.peer ?? 0),
        text: String(row.text ?? ''),
        key: row.key === null ? null : String(row.key),
      })),
  );
}

/** All messages, in order. */
export function readMessages(data: string): StoredEntry[] {
  return readEntries(data, 0).filter(({ kind }) => kind === 'message');
}

/** The id of the newest entry; 0 in an empty log. */
export function readNewest(data: string): number {
  return readDb(data, (db) => Number(db.prepare('SELECT max(id) AS id FROM entries').get()?.id ?? 0));
}

/** The memberships, as `user #room`. */
export function readMembers(data: string): Set<string> {
  const rows = readDb(data, (db) =>
    db
      .prepare(
        `SELECT a.name AS user, c.room FROM members m
         JOIN accounts a ON a.id = m.account
         JOIN conversations c ON c.id = m.conversation
         WHERE m.to_id IS NULL`,
      )
      .all(),
  );
  return new Set(rows.map((row) => `${row.user} ${row.room}`));
}

/** Names of the accounts that are not guests and have not ended, in their own spelling. */
export function readAccounts(data: string): string[] {
  return readDb(data, (db) =>
    db
      .prepare('SELECT name FROM accounts WHERE guest = 0 AND retired = 0')
      .all()
      .map((row) => String(row.name)),
  );
}

/** The result of SQLite's integrity check; `ok` if it is sound. */
export function checkIntegrity(data: string): string {
  return readDb(data, (db) => {
    const rows = db.prepare('PRAGMA integrity_check').all();
    return rows.map((row) => String(row.integrity_check)).join('; ');
  });
}

/** Opened read-only: only a writer moves the log's tail into the file, so a server finds nothing changed. */
function readDb<T>(data: string, read: (db: DatabaseSync) => T): T {
  const db = new DatabaseSync(join(data, 'chat.db'), { readOnly: true, timeout: 5_000 });
  try {
    return read(db);
  } finally {
    db.close();
  }
}
