/**
 * Damages the end of the write-ahead log of `chat.db` at each byte of the last three transactions. The file
 * must open, hold every earlier transaction and nothing else, and take the next one.
 */

import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { isDeepStrictEqual } from 'node:util';
import type { Account } from '../../../src/chat/directory.ts';
import type { Draft, Entry } from '../../../src/chat/entry.ts';
import type { Projection } from '../../../src/chat/projection.ts';
import { openProjection } from '../../../src/store/sqlite/projection.ts';
import { append, join, leave, say, tell } from '../../support/append.ts';
import { startRandom } from '../../support/random.ts';
import { type CampaignOptions, type CampaignResult, Findings } from '../campaign.ts';
import { checkIntegrity } from '../views/stored-log.ts';
import { countWhole, DAMAGES, damage, places } from './damage.ts';
import { readTransactionEnds } from './wal.ts';

/** How often SQLite's integrity check and a second start run: they take longer than everything else. */
const THOROUGH_EVERY = 10;

/** The content of the log after a transaction. */
interface State {
  readonly entries: readonly Entry[];
  readonly accounts: readonly string[];
  readonly members: readonly string[];
}

interface Made {
  readonly db: Buffer;
  readonly wal: Buffer;
  /** The ends of the damaged transactions and of the one before them. */
  readonly ends: readonly number[];
  /** The state at each end. */
  readonly states: readonly State[];
}

/** Distances between two damaged positions, in bytes. The positions around the ends of records are always tried. */
export interface Strides {
  readonly logCut: number;
  readonly logOverwritten: number;
}

export const EVERY_BYTE: Strides = { logCut: 1, logOverwritten: 8 };

export async function tearEnds(
  { folder: parent, seed }: CampaignOptions,
  strides: Strides = EVERY_BYTE,
): Promise<CampaignResult> {
  const findings = new Findings('not recovered');
  const folder = path.join(parent, 'log');
  mkdirSync(folder, { mode: 0o700 });
  let starts = 0;
  for (const isSecondRound of [false, true]) {
    const made = makeLog(folder, isSecondRound);
    const pick = startRandom(seed);
    const end = made.ends.at(-1) ?? 0;
    for (const how of DAMAGES) {
      const stride = how === 'cut' ? strides.logCut : strides.logOverwritten;
      for (const at of places(made.ends[0] ?? 0, end, stride, made.ends)) {
        const wal = damage(made.wal, how, at, end, pick);
        const state = made.states[countWhole(made.wal, wal, made.ends) - 1];
        const wrong = tryStart(() => checkStart(folder, made.db, wal, state, starts % THOROUGH_EVERY === 0));
        if (wrong !== undefined)
          findings.report('not recovered', `chat.db-wal, ${how} at byte ${at}: ${wrong}`);
        starts += 1;
      }
    }
  }
  return { figures: { 'starts on chat.db': starts }, findings };
}

/**
 * A database as a kill leaves it: its files are copied while it is open. In the second round a checkpoint has
 * emptied the write-ahead log, and older frames follow the new ones.
 */
function makeLog(folder: string, isSecondRound: boolean): Made {
  const file = path.join(folder, 'chat.db');
  clear(file);
  const log = openProjection(file);
  const [ann, ben] = [begin(log, 'ann'), begin(log, 'ben')];
  const [joined] = commit(log, [join(ann, { id: 0, name: '#room' })]);
  const room = { id: joined?.kind === 'joined' ? joined.room : 0, name: '#room' };
  commit(log, [join(ben, room)]);
  for (let i = 0; i < 16; i += 1)
    commit(log, [say(ann, room, `before ${i}`, `key of before ${i}`), tell(ben, ann, `and ${i}`)]);
  if (isSecondRound) {
    const other = new DatabaseSync(file);
    other.exec('PRAGMA wal_checkpoint(RESTART)');
    other.close();
    for (let i = 0; i < 3; i += 1) commit(log, [say(ben, room, `later ${i}`, `key of later ${i}`)]);
  }
  const states = [stateOf(log)];
  commit(log, [say(ann, room, 'a message', 'key of a message'), tell(ann, ben, 'and one to ben')]);
  states.push(stateOf(log));
  const cat = begin(log, 'cat', [say(ben, room, 'x'.repeat(6_000))]);
  states.push(stateOf(log));
  commit(log, [join(cat, room), leave(ann, room), tell(cat, cat, 'a note')]);
  states.push(stateOf(log));
  const made = { db: readFileSync(file), wal: readFileSync(`${file}-wal`) };
  log.close();
  return { ...made, ends: readTransactionEnds(made.wal).slice(-4), states };
}

/** A store that throws is as wrong as one with other content. */
function tryStart(check: () => string | undefined): string | undefined {
  try {
    return check();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Describes what is wrong with a start on these files; undefined if nothing. */
function checkStart(
  folder: string,
  db: Buffer,
  wal: Buffer,
  state: State | undefined,
  isThorough: boolean,
): string | undefined {
  const file = path.join(folder, 'chat.db');
  clear(file);
  writeFileSync(file, db, { mode: 0o600 });
  writeFileSync(`${file}-wal`, wal, { mode: 0o600 });
  if (isThorough && checkIntegrity(folder) !== 'ok')
    return `SQLite finds it damaged: ${checkIntegrity(folder)}`;
  let log = openProjection(file);
  if (state === undefined || !isDeepStrictEqual(stateOf(log), state)) {
    return `holds ${JSON.stringify(stateOf(log)).slice(-300)} for ${JSON.stringify(state).slice(-300)}`;
  }
  const [first] = state.entries;
  if (first?.kind !== 'joined') return 'its first entry is no join';
  const ann = { id: first.account, name: first.user };
  const appended = commit(log, [
    say(ann, { id: first.room, name: '#room' }, 'the next one', 'key of the next one'),
  ]);
  if ((appended[0]?.id ?? 0) <= (state.entries.at(-1)?.id ?? 0)) return 'the next id is not higher';
  if (isThorough) {
    log.close();
    log = openProjection(file);
  }
  const after = stateOf(log);
  log.close();
  if (!isDeepStrictEqual(after, { ...state, entries: [...state.entries, ...appended] })) {
    return `with the next one it holds ${JSON.stringify(after).slice(-300)}`;
  }
  return isThorough && checkIntegrity(folder) !== 'ok'
    ? 'SQLite finds it damaged after the next one'
    : undefined;
}

/** All content, keys and members included. Also checks that each key finds its entry. */
function stateOf(log: Projection): State {
  const directory = log.load();
  const entries = log.readAfter(0, 1_000);
  for (const entry of entries) {
    const isKnown =
      !('key' in entry) || entry.key === null || log.findKey(entry.account, entry.key)?.id === entry.id;
    if (!isKnown) throw new Error(`the key of ${JSON.stringify(entry)} is not known`);
  }
  const members = directory.room('#room')?.members.values() ?? [];
  return {
    entries,
    accounts: Array.from(directory.accounts(), ({ id, name }) => `${id} ${name}`).sort(),
    members: Array.from(members, ({ name }) => name).sort(),
  };
}

function begin(log: Projection, name: string, drafts: readonly Draft[] = []): Account {
  const [account] = append(log, { accounts: [{ name, guest: false }], drafts }).accounts;
  if (account === undefined) throw new Error('no account');
  return account;
}

function commit(log: Projection, drafts: readonly Draft[]): readonly Entry[] {
  return append(log, { drafts }).entries;
}

function clear(file: string): void {
  for (const each of [file, `${file}-wal`, `${file}-shm`]) rmSync(each, { force: true });
}
