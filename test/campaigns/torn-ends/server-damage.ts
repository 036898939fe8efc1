/**
 * Starts a real server on a folder whose `users.txt` or write-ahead log has lost its end. It must start, hold
 * everything before the damage, let in every account registered before it, and accept the next registration
 * and message. Only a `users.txt` whose end no crash can leave must be refused.
 */

import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FIRST_LINE } from '../../../src/store/users/record.ts';
import { TestClient } from '../../support/client.ts';
import { type Pick, startRandom } from '../../support/random.ts';
import { passwordOf, writeCheapUsers } from '../accounts/cheap-accounts.ts';
import { PasswordProbe } from '../accounts/password-probe.ts';
import type { CampaignOptions, Findings } from '../campaign.ts';
import { ownerOf } from '../clients/owner.ts';
import type { ResumingClient } from '../clients/resuming-client.ts';
import { CampaignServer, freePort } from '../kill/campaign-server.ts';
import { ExpectedViews } from '../views/expected-view.ts';
import { checkReplay } from '../views/history-check.ts';
import { readEntries, type StoredEntry } from '../views/stored-log.ts';
import type { Report } from '../views/view-faults.ts';
import { countWhole, DAMAGES, damage } from './damage.ts';
import { readTransactionEnds } from './wal.ts';

const PEOPLE = ['ann', 'ben'];
const BEFORE = 20;
const TRIES = 20;

/** A folder as a kill left it, and its content. */
interface Left {
  readonly data: string;
  readonly users: Buffer;
  readonly usersEnds: readonly number[];
  readonly wal: Buffer;
  readonly walEnds: readonly number[];
  /** Everything acknowledged, in order; the last three are the last three transactions. */
  readonly entries: readonly StoredEntry[];
}

/** Returns the number of starts. */
export async function damageServer(options: CampaignOptions, findings: Findings): Promise<number> {
  const { cycles, seed, workers, folder, log } = options;
  const pick = startRandom(seed);
  const port = await freePort();
  const args = ['--workers', String(workers)];
  const left = await makeFolder(new CampaignServer({ data: join(folder, 'left'), port, args }));
  for (let cycle = 1; cycle <= cycles; cycle += 1) {
    await checkStart(new CampaignServer({ data: join(folder, 'damaged'), port, args }), left, pick, findings);
    if (cycle % 20 === 0) log(`server start ${cycle}`);
  }
  return cycles;
}

async function makeFolder(server: CampaignServer): Promise<Left> {
  const { data, port } = server;
  for (let tries = 1; tries <= TRIES; tries += 1) {
    rmSync(data, { recursive: true, force: true });
    writeCheapUsers(data, PEOPLE);
    await server.start();
    const ann = await TestClient.connect(`127.0.0.1:${port}`);
    await ann.ok('login', 'ann', passwordOf('ann'));
    await ann.ok('join', '#room');
    await register(port);
    for (let i = 0; i < BEFORE; i += 1) await ann.ok('send', '#room', `before ${i}`, `before-${i}`);
    const before = readFileSync(join(data, 'chat.db'));
    for (let i = 0; i < 3; i += 1) await ann.ok('send', 'ben', `last ${i}`, `last-${i}`);
    await server.kill();
    // A checkpoint in between would have moved some of the three into the database, out of danger.
    if (before.equals(readFileSync(join(data, 'chat.db')))) return takeUp(data);
  }
  throw new Error(`a checkpoint interfered ${TRIES} times`);
}

/** Writes the last three records of `users.txt`: two registrations and a password change of the first. */
async function register(port: number): Promise<void> {
  const client = await TestClient.connect(`127.0.0.1:${port}`);
  await client.ok('register', 'cat', 'first secret of cat');
  await client.ok('register', 'dan', passwordOf('dan'));
  await client.ok('login', 'cat', 'first secret of cat');
  await client.ok('password', 'first secret of cat', passwordOf('cat'));
  client.close();
}

function takeUp(data: string): Left {
  const entries = readEntries(data, 0);
  const users = readFileSync(join(data, 'users.txt'));
  const usersEnds = [...users.entries()].filter(([, byte]) => byte === 0x0a).map(([at]) => at + 1);
  const wal = readFileSync(join(data, 'chat.db-wal'));
  return {
    data,
    users,
    usersEnds: usersEnds.slice(-4),
    wal,
    walEnds: readTransactionEnds(wal).slice(-4),
    entries,
  };
}

async function checkStart(server: CampaignServer, left: Left, pick: Pick, findings: Findings): Promise<void> {
  const { data, port } = server;
  rmSync(data, { recursive: true, force: true });
  cpSync(left.data, data, { recursive: true });
  const isUsers = pick(2) === 0;
  const [bytes, ends] = isUsers ? [left.users, left.usersEnds] : [left.wal, left.walEnds];
  const how = DAMAGES[pick(DAMAGES.length)] ?? 'cut';
  const at = drawPlace(pick, ends);
  const damaged = damage(bytes, how, at, ends.at(-1) ?? 0, pick);
  writeFileSync(join(data, isUsers ? 'users.txt' : 'chat.db-wal'), damaged);
  const what = `${isUsers ? 'users.txt' : 'chat.db-wal'}, ${how} at byte ${at}`;

  const count = isUsers ? countKept(bytes, damaged, ends) : 4;
  const users = (count ?? 0) - 1;
  const lost = isUsers ? 0 : 4 - countWhole(bytes, damaged, ends);
  const kept = left.entries.slice(0, left.entries.length - lost);
  try {
    if (count === undefined) return await checkRefusal(server, damaged);
    await server.start();
    await checkAccounts(port, users);
    const id = await checkMessages(port, kept, findings);
    await checkNext(port);
    const { code } = await server.stop();
    const stored = readEntries(data, 0);
    if (code !== 0 || stored.length !== kept.length + 1 || stored.at(-1)?.id !== id) {
      throw new Error(`stopped with ${code}; ${stored.length} entries for ${kept.length + 1}`);
    }
  } catch (error) {
    findings.report('not recovered', `${what}: ${error instanceof Error ? error.message : String(error)}`);
    await server.kill();
  }
}

/** The end of `users.txt` is no torn write of the server: it must be left alone. */
async function checkRefusal(server: CampaignServer, damaged: Buffer): Promise<void> {
  const started = await server.start().then(
    () => 'it started',
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  if (!/users\.txt is damaged in line \d+: /.test(started)) throw new Error(`not refused: ${started}`);
  if (!readFileSync(join(server.data, 'users.txt')).equals(damaged)) throw new Error('users.txt was changed');
}

/** Any byte of the last three records, and in one case of three a byte next to an end. */
function drawPlace(pick: Pick, ends: readonly number[]): number {
  const first = ends[0] ?? 0;
  const last = ends.at(-1) ?? 0;
  if (pick(3) > 0) return first + pick(last - first);
  const near = (ends[pick(ends.length)] ?? 0) + pick(5) - 2;
  return Math.min(last, Math.max(first, near));
}

async function checkAccounts(port: number, records: number): Promise<void> {
  const probe = new PasswordProbe(port);
  const expected = [
    ['ann', passwordOf('ann'), true],
    ['ben', passwordOf('ben'), true],
    ['cat', 'first secret of cat', records === 1 || records === 2],
    ['cat', passwordOf('cat'), records === 3],
    ['dan', passwordOf('dan'), records >= 2],
  ] as const;
  for (const [name, password, isIn] of expected) {
    if ((await probe.accepts(name, password)) !== isIn) throw new Error(`${name} can log in: ${!isIn}`);
  }
  await probe.close();
}

/** Returns the id of one more message. */
async function checkMessages(
  port: number,
  kept: readonly StoredEntry[],
  findings: Findings,
): Promise<number> {
  const report: Report = (kind, detail) => findings.report('not readable', `${kind}: ${detail}`);
  const said = kept.map(({ user, place, text, key }) => [text, { from: user, to: place, key }] as const);
  const expected = new ExpectedViews(new Map(said), report);
  expected.add(kept);
  const ann = await checkReplay(ownerOf('ann'), port, 0, expected, report);
  const [sent, again] = [await sendNext(ann), await sendNext(ann)];
  ann.cut('close');
  if (sent !== again) throw new Error('a repeat got another id');
  if (sent <= expected.newest) throw new Error('the next id is not higher');
  return sent;
}

async function sendNext(client: ResumingClient): Promise<number> {
  const answer = await client.call('send', '#room', 'the next one', 'key of the next one');
  if (answer?.[0] !== 'ok' || !Array.isArray(answer[2]))
    throw new Error(`a send got ${JSON.stringify(answer)}`);
  return Number(answer[2][0]);
}

async function checkNext(port: number): Promise<void> {
  const client = await TestClient.connect(`127.0.0.1:${port}`);
  await client.ok('register', 'next', passwordOf('next'));
  await client.ok('login', 'next', passwordOf('next'));
  client.close();
}

/**
 * The number of records to keep; undefined if the file must be refused. A last record that only lacks its
 * newline is whole.
 */
function countKept(whole: Buffer, bytes: Buffer, ends: readonly number[]): number | undefined {
  const count = countWhole(whole, bytes, ends);
  const start = count === 0 ? FIRST_LINE.length : (ends[count - 1] ?? 0);
  const rest = bytes.toString('latin1', start);
  if (rest === '') return count;
  const line = whole.toString('latin1', start, whole.indexOf('\n', start));
  if (rest === line) return count + 1;
  const written = rest.replace(/\0+$/, '');
  const isRemoval = written.includes(' -');
  return line.startsWith(written) && !isRemoval ? count : undefined;
}
