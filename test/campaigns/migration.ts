/**
 * Starts the server in data folders that earlier versions wrote, kills it with SIGKILL at random points of the migration, and
 * starts it again. In the end every entry must be there with its id and its time, and so must keys, memberships and marks.
 */

import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { MIGRATIONS, SCHEMA_VERSION } from '../../src/store/sqlite/schema.ts';
import { TestClient } from '../support/client.ts';
import { runProcess } from '../support/process.ts';
import { type Pick, startRandom } from '../support/random.ts';
import { PARLEY, startServer } from '../support/server.ts';
import { type CampaignOptions, type CampaignResult, Findings } from './campaign.ts';

/** From 2, the conversation index is built anew; from 4, the version before this one, columns are added. */
const VERSIONS = [2, 4];
/** In each cycle, before the start that is left alone. */
const KILLS = 2;
const ROOMS = 20;
const USERS = fileURLToPath(new URL('../fixtures/folder-v3/users.txt', import.meta.url));
/** The names in it; others cannot log in. */
const NAMES = ['Ann', 'ben'];
/** Microseconds; all entries are older than the server. */
const FIRST_ID = Date.parse('2026-01-01T00:00:00Z') * 1_000;
const STEP = 997;
const PAGE = 100;

/** Everything that must not change. Before version 4, the time of an entry is that of its id. */
const KEPT = [
  'SELECT id, conversation, kind, account, text, shard, number FROM entries ORDER BY id',
  'SELECT * FROM accounts ORDER BY id',
  'SELECT * FROM conversations ORDER BY id',
  'SELECT * FROM members ORDER BY account, conversation, from_id',
  'SELECT * FROM keys ORDER BY account, key',
  'SELECT * FROM seen ORDER BY account',
];

/** `entries`: how many the log has. */
export function migrate(entries: number): (options: CampaignOptions) => Promise<CampaignResult> {
  return async (options) => {
    const findings = new Findings('changed', 'lost from the index', 'wrong history', 'not migrated');
    const figures: Record<string, number | string> = { entries };
    for (const version of VERSIONS) {
      await migrateFrom(version, entries, options, findings, figures);
    }
    return { figures, findings };
  };
}

async function migrateFrom(
  version: number,
  entries: number,
  { cycles, seed, folder, log }: CampaignOptions,
  findings: Findings,
  figures: Record<string, number | string>,
): Promise<void> {
  const pick = startRandom(seed + version);
  const old = `${folder}/old-${version}`;
  const digest = makeFolder(old, version, entries);
  log(`a folder of version ${version}: ${toMiB(statSync(`${old}/chat.db`).size)} MiB`);

  // Undisturbed, to learn how long it takes and what it needs.
  const data = `${folder}/data-${version}`;
  const first = await measure(old, data);
  const again = await measure(data, data);
  figures[`ms until version ${version} listens`] = first.ms;
  figures[`ms until it listens again, as version ${SCHEMA_VERSION} from ${version}`] = again.ms;
  figures[`peak RSS in MiB, migrating version ${version}`] = first.rssMiB;
  figures[`peak RSS in MiB, started again from ${version}`] = again.rssMiB;
  log(
    `listens after ${first.ms} ms, peak RSS ${first.rssMiB} MiB; again ${again.ms} ms, ${again.rssMiB} MiB`,
  );
  rmSync(data, { recursive: true });

  let killed = 0;
  let within = 0;
  for (let cycle = 1; cycle <= cycles; cycle += 1) {
    copyFolder(old, data);
    // Each start goes on from where the one before was killed.
    for (let kill = 0; kill < KILLS; kill += 1) {
      // Some at any time of the start, some as soon as something has been written.
      await killStarting(data, kill % 2 === 0 ? pick(first.ms) : first.ms, kill % 2 === 1, pick);
      killed += 1;
      // A transaction was being written, or had not been moved into the database yet.
      if (walBytes(data) > 0) within += 1;
    }
    const server = await startServer({ data });
    await checkHistory(server.address, version, entries, findings);
    await server.stop();
    check(`${data}/chat.db`, version, digest, findings);
    rmSync(data, { recursive: true });
    log(`version ${version}, cycle ${cycle}`);
  }
  figures[`kills at the start of version ${version}`] = killed;
  figures[`kills that left a write-ahead log, version ${version}`] = within;
  rmSync(old, { recursive: true });
}

/** Returns the digest of what must not change. */
function makeFolder(data: string, version: number, entries: number): string {
  mkdirSync(data, { mode: 0o700 });
  copyFileSync(USERS, `${data}/users.txt`);
  const db = new DatabaseSync(`${data}/chat.db`);
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA page_size = 4096;');
  for (const step of MIGRATIONS.slice(0, version)) db.exec(step);
  db.exec(`PRAGMA user_version = ${version}; BEGIN;`);
  for (const name of NAMES) {
    db.prepare('INSERT INTO accounts (name, folded, guest) VALUES (?, ?, 0)').run(name, name.toLowerCase());
  }
  db.exec('INSERT INTO conversations (low, high) VALUES (1, 2)');
  for (let room = 1; room <= ROOMS; room += 1) {
    db.prepare('INSERT INTO conversations (room, folded) VALUES (?1, ?1)').run(`#room${room}`);
  }
  fillLog(db, version, entries);
  db.exec('COMMIT; PRAGMA wal_checkpoint(TRUNCATE);');
  const digest = digestOf(db);
  db.close();
  return digest;
}

function fillLog(db: DatabaseSync, version: number, entries: number): void {
  const columns = version < 4 ? 'id, conversation, kind, account, text, shard, number' : '*';
  const values = version < 4 ? '?, ?, ?, ?, ?, 1, ?' : '?, ?, ?, ?, ?, 1, ?, ?';
  const addEntry = db.prepare(
    `INSERT INTO entries ${columns === '*' ? '' : `(${columns})`} VALUES (${values})`,
  );
  const addMember = db.prepare('INSERT INTO members VALUES (1, ?, ?, NULL)');
  const addKey = db.prepare('INSERT INTO keys VALUES (1, ?, ?)');
  for (let number = 0; number < entries; number += 1) {
    const id = FIRST_ID + number * STEP;
    // First Ann joins every room; then she writes there, and with Ben.
    const conversation = number < ROOMS ? 2 + number : 1 + (number % (ROOMS + 1));
    const text = number < ROOMS ? null : textOf(number);
    const row = [id, conversation, number < ROOMS ? 1 : 0, 1, text, number];
    addEntry.run(...(version < 4 ? row : [...row, Math.floor(id / 1_000)]));
    if (number < ROOMS) addMember.run(conversation, id);
    if (number % 10 === 9) addKey.run(`key ${number}`, id);
  }
  db.prepare('INSERT INTO seen VALUES (1, ?)').run(FIRST_ID + (entries - 1) * STEP);
  if (version < 3) return;
  db.exec(
    'INSERT INTO places SELECT conversation, id FROM entries; UPDATE placed SET id = (SELECT max(id) FROM entries)',
  );
}

function textOf(number: number): string {
  return `message number ${number} of this log, which is about as long as what people write`;
}

function digestOf(db: DatabaseSync): string {
  const hash = createHash('sha256');
  for (const query of KEPT) {
    for (const row of db.prepare(query).iterate()) hash.update(JSON.stringify(Object.values(row)));
  }
  return hash.digest('hex');
}

function check(file: string, version: number, digest: string, findings: Findings): void {
  const db = new DatabaseSync(file, { readOnly: true });
  const reached = Number(db.prepare('PRAGMA user_version').get()?.user_version);
  if (reached !== SCHEMA_VERSION) findings.report('not migrated', `from ${version} to ${reached} only`);
  if (digestOf(db) !== digest) findings.report('changed', `what a folder of version ${version} held`);
  const lost = db
    .prepare(
      `SELECT count(*) AS count FROM entries e
       WHERE NOT EXISTS (SELECT * FROM places p WHERE p.conversation = e.conversation AND p.id = e.id)`,
    )
    .get()?.count;
  if (lost !== 0) findings.report('lost from the index', `${lost} entries of version ${version}`);
  db.close();
}

/** What Ann is shown of the newest messages of a room: ids, times and texts. */
async function checkHistory(
  address: string,
  version: number,
  entries: number,
  findings: Findings,
): Promise<void> {
  const ann = await TestClient.connect(address);
  await ann.ok('login', 'Ann', 'secret of Ann', Number.MAX_SAFE_INTEGER);
  const page = JSON.stringify(await ann.ok('history', '#room1', null, PAGE));
  ann.close();
  const numbers = Array.from({ length: entries }, (_, i) => entries - 1 - i);
  const expected = numbers
    .filter((number) => number >= ROOMS && number % (ROOMS + 1) === 1)
    .slice(0, PAGE)
    .map((number) => {
      const id = FIRST_ID + number * STEP;
      return [id, Math.floor(id / 1_000), 'Ann', '#room1', textOf(number)];
    });
  if (!page.startsWith(JSON.stringify([expected]).slice(0, -1))) {
    findings.report('wrong history', `after version ${version}: ${page.slice(0, 200)}`);
  }
}

async function measure(from: string, data: string): Promise<{ ms: number; rssMiB: number }> {
  if (from !== data) copyFolder(from, data);
  const started = performance.now();
  const server = await startServer({ data });
  const ms = Math.round(performance.now() - started);
  const status = readFileSync(`/proc/${server.child.pid}/status`, 'utf8');
  await server.stop();
  return { ms, rssMiB: Math.round(Number(/^VmHWM:\s*(\d+)/m.exec(status)?.[1]) / 1_024) };
}

/** Kills a server after `ms`; with `atWrite`, up to 20 ms after it began to write to the log of the database, if that is earlier. */
async function killStarting(data: string, ms: number, atWrite: boolean, pick: Pick): Promise<void> {
  const before = walBytes(data);
  const server = runProcess(process.execPath, [PARLEY, 'serve', '--data', data, '--port', '0'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const deadline = performance.now() + ms;
  while (performance.now() < deadline && !(atWrite && walBytes(data) !== before)) await wait(1);
  if (atWrite) await wait(pick(20));
  server.child.kill('SIGKILL');
  await server.exit();
}

function walBytes(data: string): number {
  return statSync(`${data}/chat.db-wal`, { throwIfNoEntry: false })?.size ?? 0;
}

function copyFolder(from: string, to: string): void {
  mkdirSync(to, { mode: 0o700 });
  for (const file of ['users.txt', 'chat.db']) copyFileSync(`${from}/${file}`, `${to}/${file}`);
}

function toMiB(bytes: number): number {
  return Math.round(bytes / 1_024 / 1_024);
}
