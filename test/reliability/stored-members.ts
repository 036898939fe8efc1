/** Who is in which room according to `chat.db`, read with SQLite alone. */

import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

const MEMBERS = `
  SELECT a.name AS user, c.room FROM members m
  JOIN accounts a ON a.id = m.account
  JOIN conversations c ON c.id = m.conversation
  WHERE m.to_id IS NULL`;

/** As `user #room`. */
export function readMembers(data: string): Set<string> {
  const db = new DatabaseSync(join(data, 'chat.db'), { readOnly: true, timeout: 5_000 });
  try {
    return new Set(
      db
        .prepare(MEMBERS)
        .all()
        .map((row) => `${row.user} ${row.room}`),
    );
  } finally {
    db.close();
  }
}
