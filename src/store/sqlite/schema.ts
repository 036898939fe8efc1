/**
 * The tables of `chat.db`, version 5: the log, and the fold of it that is needed at start.
 *
 * - Account ids are never reused (AUTOINCREMENT), so a new `bob` never is the old one.
 * - A conversation is a room, or a pair of accounts with `low` ≤ `high`.
 * - A member sees the entries of a conversation from `from_id` to `to_id`, both included; `to_id` is null while
 *   the member is in.
 * - `visible` is the rule of who may see what (`src/chat/visibility.ts`): the account sees the entries of the
 *   conversation with ids from `from_id` to `to_id`, both included.
 * - `places` finds the entries of a conversation, up to the id in `placed`; what is behind it, `unindexed-tail.ts` keeps. They are put
 *   there a few thousand at a time, in order: to have them there at once would cost a page of the write-ahead log for each
 *   conversation that is spoken in, at each commit, which was two thirds of the cost of storing a message (measured).
 * - `seen` is what a person has been shown everything up to.
 * - `shard` and `number` tell which command an entry answers, for a shard that asks again after a crash.
 * - `at` is the wall clock when the entry was committed, in milliseconds since 1970; null in entries from before version 4,
 *   whose time is that of their id.
 * - `marks` tell that from `first` to `last`, by a clock that could be believed, `id` was the newest entry
 *   (`retention.ts`).
 * - `about` is the id of the entry that this one concerns (an edit, a reaction, …), and `data` a small value of its kind; null in
 *   the kinds that there are so far.
 * - `log` holds up to where a log that numbers its batches has been applied.
 */
export const SCHEMA_VERSION = 5;

/** What each version adds to the one before it, from nothing to the present one. */
export const MIGRATIONS: readonly string[] = [
  `
CREATE TABLE accounts (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  folded TEXT NOT NULL,
  guest INTEGER NOT NULL,
  retired INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX accounts_by_name ON accounts (folded) WHERE retired = 0;

CREATE TABLE conversations (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  room TEXT,
  folded TEXT UNIQUE,
  low INTEGER,
  high INTEGER,
  UNIQUE (low, high)
) STRICT;

CREATE TABLE entries (
  id INTEGER PRIMARY KEY,
  conversation INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  account INTEGER NOT NULL,
  text TEXT,
  shard INTEGER,
  number INTEGER
) STRICT;
CREATE INDEX entries_by_conversation ON entries (conversation, id);

CREATE TABLE members (
  account INTEGER NOT NULL,
  conversation INTEGER NOT NULL,
  from_id INTEGER NOT NULL,
  to_id INTEGER,
  PRIMARY KEY (account, conversation, from_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX members_present ON members (conversation, account) WHERE to_id IS NULL;

CREATE TABLE keys (
  account INTEGER NOT NULL,
  key TEXT NOT NULL,
  id INTEGER NOT NULL,
  PRIMARY KEY (account, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX keys_by_id ON keys (id);

CREATE TABLE seen (
  account INTEGER PRIMARY KEY,
  id INTEGER NOT NULL
) STRICT;
`,
  `
CREATE INDEX conversations_by_high ON conversations (high) WHERE high IS NOT NULL;

CREATE INDEX members_past ON members (to_id) WHERE to_id IS NOT NULL;

CREATE VIEW visible (account, conversation, from_id, to_id) AS
  SELECT account, conversation, from_id, ifnull(to_id, ${Number.MAX_SAFE_INTEGER}) FROM members
  UNION ALL
  SELECT low, id, 0, ${Number.MAX_SAFE_INTEGER} FROM conversations WHERE low IS NOT NULL
  UNION ALL
  SELECT high, id, 0, ${Number.MAX_SAFE_INTEGER} FROM conversations WHERE high IS NOT NULL AND high > low;
`,
  `
DROP INDEX entries_by_conversation;

CREATE TABLE places (
  conversation INTEGER NOT NULL,
  id INTEGER NOT NULL,
  PRIMARY KEY (conversation, id)
) STRICT, WITHOUT ROWID;
INSERT INTO places SELECT conversation, id FROM entries ORDER BY conversation, id;

CREATE TABLE placed (id INTEGER NOT NULL) STRICT;
INSERT INTO placed SELECT ifnull(max(id), 0) FROM entries;
`,
  // Takes no time, however long the log is: SQLite does not write the rows again.
  `
ALTER TABLE entries ADD COLUMN at INTEGER;

CREATE TABLE marks (
  id INTEGER PRIMARY KEY,
  first INTEGER NOT NULL,
  last INTEGER NOT NULL
) STRICT;
`,
  // As the step before, it writes no row of the entries again.
  `
ALTER TABLE entries ADD COLUMN about INTEGER;
ALTER TABLE entries ADD COLUMN data TEXT;

CREATE TABLE log (position INTEGER NOT NULL) STRICT;
INSERT INTO log VALUES (0);
`,
];
