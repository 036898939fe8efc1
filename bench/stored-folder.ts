/**
 * A data folder of a server that has been used for long: many accounts, and many messages in some hundreds of rooms and pairs,
 * with a search index that has them all. It is made once and kept.
 */

import { appendFileSync, existsSync, readFileSync, renameSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { hashSync } from '@node-rs/argon2';
import type { Account } from '../src/chat/directory.ts';
import type { Draft } from '../src/chat/entry.ts';
import type { Projection } from '../src/chat/projection.ts';
import { prepareAccounts } from '../src/load/run/prepare.ts';
import { accountName, DEFAULT_PASSWORD } from '../src/load/scenario/account.ts';
import { below, type Random, startRandom } from '../src/load/scenario/random.ts';
import type { DataFolder } from '../src/store/files/data-folder.ts';
import { Archive } from '../src/store/sqlite/archive.ts';
import { openProjection } from '../src/store/sqlite/projection.ts';
import { formatRecord } from '../src/store/users/record.ts';
import { append } from '../test/support/append.ts';
import { withLock } from './locked-folder.ts';
import { indexBacklog } from './search-backlog.ts';
import { Speech, zipf } from './speech.ts';

const ROOMS = 400;
const MEMBERS = 100;
const PAIRS = 400;
const BATCH = 10_000;
/** On disk, log and search index together; measured, and a third more. */
const BYTES_A_MESSAGE = 310;
/** Accounts whose password costs next to nothing to check: those that log in while something is measured. */
const CHEAP_ACCOUNTS = 1_000;

/** Where it is if nobody says otherwise. */
export const STORED_FOLDER = join(tmpdir(), 'parley-stored');

export interface StoredOptions {
  readonly data: string;
  readonly accounts: number;
  readonly messages: number;
}

/** What the folder holds. */
export interface Stored {
  readonly accounts: number;
  readonly messages: number;
}

/** Those who say something in a conversation. */
interface Conversation {
  /** Undefined for a pair. */
  readonly room: { readonly id: number; readonly name: string } | undefined;
  readonly members: readonly Account[];
}

/** Makes the folder if it is not there; one that was not completed is begun anew. Says on stderr how far it is. */
export async function makeStoredFolder({ data, accounts, messages }: StoredOptions): Promise<void> {
  if (existsSync(data)) return;
  if (accounts < ROOMS * MEMBERS)
    throw new Error(`at least ${ROOMS * MEMBERS} accounts are members of rooms`);
  checkSpace(data, messages);
  const making = `${data}.making`;
  rmSync(making, { recursive: true, force: true });
  const prepared = await prepareAccounts({ data: making, users: accounts });
  if (prepared.type === 'refused') throw new Error(prepared.text);
  cheapen(prepared.file);
  await withLock(making, async (folder) => {
    fill(folder, accounts, messages);
    tell('making the search index');
    await indexBacklog(folder);
  });
  renameSync(making, data);
  tell('done');
}

/** Counts; takes a second or two. */
export function countStored({ chatDb, usersFile }: DataFolder): Stored {
  const archive = new Archive(chatDb);
  try {
    // The first line is no record, and behind the last one is nothing.
    const records = readFileSync(usersFile, 'latin1').split('\n').slice(1, -1);
    const names = new Set(records.map((record) => record.slice(0, record.indexOf(' '))));
    return { accounts: names.size, messages: archive.count(0, archive.lastId) };
  } finally {
    archive.close();
  }
}

function checkSpace(data: string, messages: number): void {
  const { bavail, bsize } = statfsSync(dirname(data));
  const free = bavail * bsize;
  const wanted = messages * BYTES_A_MESSAGE;
  if (free < wanted) throw new Error(`${dirname(data)} has ${free} bytes left, and ${wanted} are wanted`);
}

/** The last record of a name counts. */
function cheapen(usersFile: string): void {
  const hash = hashSync(DEFAULT_PASSWORD, { memoryCost: 8, timeCost: 1, parallelism: 1 });
  const record = (number: number): string =>
    formatRecord({ name: accountName(number), hash, at: new Date() });
  appendFileSync(usersFile, Array.from({ length: CHEAP_ACCOUNTS }, (_, i) => record(i + 1)).join(''));
}

function fill({ chatDb }: DataFolder, accounts: number, messages: number): void {
  const log = openProjection(chatDb);
  try {
    const members = addAccounts(log, accounts);
    const conversations = [...addRooms(log, members), ...pairsOf(members)];
    say(log, conversations, messages);
  } finally {
    log.close();
  }
}

/** Returns the first of them, as many as are in conversations. */
function addAccounts(log: Projection, count: number): Account[] {
  const members: Account[] = [];
  for (let done = 0; done < count; done += BATCH) {
    const names = Array.from({ length: Math.min(BATCH, count - done) }, (_, i) => accountName(done + i + 1));
    const accounts = names.map((name) => ({ name, guest: false }));
    const added = append(log, { accounts });
    if (members.length < ROOMS * MEMBERS) members.push(...added.accounts);
  }
  return members;
}

function addRooms(log: Projection, accounts: readonly Account[]): Conversation[] {
  return Array.from({ length: ROOMS }, (_, index) => {
    const members = accounts.slice(index * MEMBERS, (index + 1) * MEMBERS);
    const name = `#stored-${index + 1}`;
    let id = 0;
    // The first to join makes the room, whose id the others name.
    for (const some of [members.slice(0, 1), members.slice(1)]) {
      const drafts = some.map((account) => joined(account, id, name));
      for (const entry of append(log, { drafts }).entries) if (entry.kind === 'joined') id = entry.room;
    }
    return { room: { id, name }, members };
  });
}

function pairsOf(accounts: readonly Account[]): Conversation[] {
  return Array.from({ length: PAIRS }, (_, index) => ({
    room: undefined,
    members: accounts.slice(2 * index, 2 * index + 2),
  }));
}

/** Rooms and pairs by turns from the busiest to the most quiet, which has a hundredth of that. */
function say(log: Projection, conversations: readonly Conversation[], messages: number): void {
  const random = startRandom(1);
  const speech = new Speech(random);
  const draw = zipf(random, conversations.length, 0.7);
  const order = conversations.map((_, rank) => conversations[(rank % 2) * ROOMS + (rank >> 1)]);
  for (let done = 0; done < messages; done += BATCH) {
    const drafts = Array.from({ length: Math.min(BATCH, messages - done) }, () => {
      const conversation = order[draw()];
      if (conversation === undefined) throw new Error('there are as many rooms as pairs');
      return message(conversation, speech.say().join(' '), random);
    });
    append(log, { drafts });
    if (done % 500_000 === 0) tell(`${done} messages of ${messages}`);
  }
}

function message({ room, members }: Conversation, text: string, random: Random): Draft {
  const [account, peer] = twoOf(members, random);
  const said = { account: account.id, user: account.name, text, key: null, origin: null };
  return room === undefined
    ? { kind: 'direct', ...said, peer: peer.id, peerName: peer.name }
    : { kind: 'message', ...said, room: room.id, roomName: room.name };
}

function twoOf(members: readonly Account[], random: Random): [Account, Account] {
  const first = below(random, members.length);
  const [one, other] = [members[first], members[(first + 1) % members.length]];
  if (one === undefined || other === undefined) throw new Error('a conversation without members');
  return [one, other];
}

function joined({ id, name }: Account, room: number, roomName: string): Draft {
  return { kind: 'joined', account: id, user: name, room, roomName, origin: null };
}

function tell(text: string): void {
  console.error(`${new Date().toISOString()} ${text}`);
}
