/** What `chat.db` holds, read with SQLite alone: no code of the server has a say in it. */

import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

export interface StoredMessage {
  readonly id: number;
  readonly from: string;
  /** A room, or the other person. */
  readonly to: string;
  readonly text: string;
  readonly key: string | null;
}

const MESSAGES = `
  SELECT e.id, a.name AS author, e.text, k.key,
         coalesce(c.room, (SELECT name FROM accounts WHERE id = CASE WHEN c.low = e.account THEN c.high ELSE c.low END)) AS recipient
  FROM entries e
  JOIN accounts a ON a.id = e.account
  JOIN conversations c ON c.id = e.conversation
  LEFT JOIN keys k ON k.id = e.id
  WHERE e.kind = 0 AND e.id > ?
  ORDER BY e.id`;

/** The messages behind `id`, in order. */
export function readMessages(data: string, id: number): StoredMessage[] {
  return readDb(data, (db) =>
    db
      .prepare(MESSAGES)
      .all(id)
      .map((row) => ({
        id: Number(row.id),
        from: String(row.author),
        to: String(row.recipient),
        text: String(row.text),
        key: row.key === null ? null : String(row.key),
      })),
  );
}

export interface StoredMove {
  readonly id: number;
  readonly verb: 'join' | 'leave';
}

/** When this person joined and left this room behind `id`, in order. */
export function readMoves(data: string, name: string, room: string, id: number): StoredMove[] {
  return readDb(data, (db) =>
    db
      .prepare(
        `SELECT e.id, e.kind FROM entries e
         JOIN accounts a ON a.id = e.account
         JOIN conversations c ON c.id = e.conversation
         WHERE a.name = ? AND c.room = ? AND e.kind > 0 AND e.id > ? ORDER BY e.id`,
      )
      .all(name, room, id)
      .map((row) => ({ id: Number(row.id), verb: row.kind === 1 ? 'join' : 'leave' })),
  );
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

/** What SQLite itself finds wrong; `ok` if nothing. */
export function checkIntegrity(data: string): string {
  return readDb(data, (db) => {
    const rows = db.prepare('PRAGMA integrity_check').all();
    return rows.map((row) => String(row.integrity_check)).join('; ');
  });
}

/** Reading changes nothing that a server would find: only one that can write brings the log's tail into the file. */
function readDb<T>(data: string, read: (db: DatabaseSync) => T): T {
  const db = new DatabaseSync(join(data, 'chat.db'), { readOnly: true, timeout: 5_000 });
  try {
    return read(db);
  } finally {
    db.close();
  }
}
