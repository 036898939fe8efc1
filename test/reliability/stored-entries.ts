/** The log as `chat.db` holds it, joins and leaves included, read with SQLite alone: no code of the server has a say in it. */

import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

export interface StoredEntry {
  readonly id: number;
  readonly kind: 'message' | 'joined' | 'left';
  /** Accounts are told apart by their ids: a name may have had several. */
  readonly account: number;
  readonly user: string;
  /** Null in a conversation of two. */
  readonly room: string | null;
  /** The other person of a conversation of two, who may be the same; otherwise 0 and empty. */
  readonly peer: number;
  readonly peerName: string;
  /** Empty for joins and leaves. */
  readonly text: string;
  readonly key: string | null;
}

const KINDS = ['message', 'joined', 'left'] as const;

const ENTRIES = `
  SELECT e.id, e.kind, e.account, a.name AS user, c.room, e.text, k.key,
         CASE WHEN c.low = e.account THEN c.high ELSE c.low END AS peer,
         (SELECT name FROM accounts WHERE id = CASE WHEN c.low = e.account THEN c.high ELSE c.low END) AS peer_name
  FROM entries e
  JOIN accounts a ON a.id = e.account
  JOIN conversations c ON c.id = e.conversation
  LEFT JOIN keys k ON k.id = e.id
  WHERE e.id > ?
  ORDER BY e.id`;

/** The entries behind `id`, in order. */
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
        room: row.room === null ? null : String(row.room),
        peer: Number(row.peer ?? 0),
        peerName: String(row.peer_name ?? ''),
        text: String(row.text ?? ''),
        key: row.key === null ? null : String(row.key),
      })),
  );
}

/** The id of the newest entry; 0 in an empty log. */
export function readNewest(data: string): number {
  return readDb(data, (db) => Number(db.prepare('SELECT max(id) AS id FROM entries').get()?.id ?? 0));
}

function readDb<T>(data: string, read: (db: DatabaseSync) => T): T {
  const db = new DatabaseSync(join(data, 'chat.db'), { readOnly: true, timeout: 5_000 });
  try {
    return read(db);
  } finally {
    db.close();
  }
}
