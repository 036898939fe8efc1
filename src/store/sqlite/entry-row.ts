/** Entries of the log as rows of `chat.db`: the query that reads them, and what its rows mean. */

import type { Entry } from '../../chat/entry.ts';
import { ENTRIES } from '../../chat/kinds/table.ts';

/** The code of messages, in rooms and between two. */
export const MESSAGE_CODE = ENTRIES.message.code;

const KINDS = Object.values(ENTRIES);

/** To be completed by a condition on `e.id`. */
export const ENTRY = `
  SELECT e.id, ifnull(e.at, e.id / 1000) AS at, e.kind, e.account, a.name AS user, e.conversation, e.text, e.shard, e.number,
         e.about, e.data, c.room,
         CASE WHEN c.low = e.account THEN c.high ELSE c.low END AS peer, p.name AS peerName, k.key
  FROM entries e
  JOIN accounts a ON a.id = e.account
  JOIN conversations c ON c.id = e.conversation
  LEFT JOIN accounts p ON p.id = CASE WHEN c.low = e.account THEN c.high ELSE c.low END
  LEFT JOIN keys k ON k.id = e.id`;

type Row = Record<string, unknown>;

export function toEntry(row: Row): Entry {
  const code = integer(row.kind);
  const place = row.room === null ? 'pair' : 'room';
  const kind = KINDS.find((known) => known.code === code && known.place === place);
  if (kind === undefined) throw new TypeError(`chat.db: entry ${row.id} is of the unknown kind ${code}`);
  return kind.read({
    code,
    id: integer(row.id),
    at: integer(row.at),
    account: integer(row.account),
    user: text(row.user),
    origin: row.shard === null ? null : { shard: integer(row.shard), number: integer(row.number) },
    conversation: integer(row.conversation),
    roomName: textOrNull(row.room),
    peer: row.peer === null ? null : integer(row.peer),
    peerName: textOrNull(row.peerName),
    text: textOrNull(row.text),
    key: textOrNull(row.key),
    about: row.about === null ? null : integer(row.about),
    data: textOrNull(row.data),
  });
}

export function integer(value: unknown): number {
  if (typeof value !== 'number') throw new TypeError(`chat.db: expected an integer, found ${typeof value}`);
  return value;
}

export function text(value: unknown): string {
  if (typeof value !== 'string') throw new TypeError(`chat.db: expected text, found ${typeof value}`);
  return value;
}

function textOrNull(value: unknown): string | null {
  return value === null ? null : text(value);
}
