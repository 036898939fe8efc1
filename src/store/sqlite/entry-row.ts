/** Entries of the log as rows of `chat.db`: the query that reads them, and what its rows mean. */

import type { Entry } from '../../chat/entry.ts';

export const KIND = { message: 0, direct: 0, joined: 1, left: 2 } as const;

/** To be completed by a condition on `e.id`. */
export const ENTRY = `
  SELECT e.id, ifnull(e.at, e.id / 1000) AS at, e.kind, e.account, a.name AS user, e.conversation, e.text, e.shard, e.number, c.room,
         CASE WHEN c.low = e.account THEN c.high ELSE c.low END AS peer, p.name AS peerName, k.key
  FROM entries e
  JOIN accounts a ON a.id = e.account
  JOIN conversations c ON c.id = e.conversation
  LEFT JOIN accounts p ON p.id = CASE WHEN c.low = e.account THEN c.high ELSE c.low END
  LEFT JOIN keys k ON k.id = e.id`;

type Row = Record<string, unknown>;

export function toEntry(row: Row): Entry {
  const authored = {
    id: integer(row.id),
    at: integer(row.at),
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

export function integer(value: unknown): number {
  if (typeof value !== 'number') throw new TypeError(`chat.db: expected an integer, found ${typeof value}`);
  return value;
}

export function text(value: unknown): string {
  if (typeof value !== 'string') throw new TypeError(`chat.db: expected text, found ${typeof value}`);
  return value;
}
