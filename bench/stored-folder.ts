/**
 * Creates the data folder of a server that has been in use for long: many accounts, many messages in some hundreds of rooms and
 * pairs, and a complete search index. The folder is created once and kept.
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
import { TextGenerator, zipf } from './text-generator.ts';

const ROOMS = 400;
const MEMBERS = 100;
const PAIRS = 400;
const BATCH = 10_000;
/** Disk space of log and search index per message: the measured value plus a third. */
const BYTES_PER_MESSAGE = 310;
/** The first accounts have passwords that are cheap to check, because they log in during measurements. */
const CHEAP_ACCOUNTS = 1_000;

/** The default path. */
export const STORED_FOLDER = join(tmpdir(), 'parley-stored');

export interface StoredOptions {
  readonly data: string;
  readonly accounts: number;
  readonly messages: number;
}

/** The contents of the folder. */
export interface Stored {
  readonly accounts: number;
  readonly messages: number;
}

/** A conversation and its writers. */
interface Conversation {
  /** Undefined for a pair. */
  readonly room: { readonly id: number; readonly name: string } | undefined;
  readonly members: readonly Account[];
}

/** Creates the folder if it does not exist, and restarts if a previous attempt was interrupted. Reports progress on stderr. */
export async function makeStoredFolder({ data, accounts, messages }: StoredOptions): Promise<void> {
  if (existsSync(data)) return;
  if (accounts < ROOMS * MEMBERS)
    throw new Error(`at least ${ROOMS * MEMBERS} accounts are needed for the rooms`);
  checkSpace(data, messages);
  const partial = `${data}.partial`;
  rmSync(partial, { recursive: true, force: true });
  const prepared = await prepareAccounts({ data: partial, users: accounts });
  if (prepared.type === 'refused') throw new Error(prepared.text);
  cheapen(prepared.file);
  await withLock(partial, async (folder) => {
    fill(folder, accounts, messages);
    report('building the search index');
    await indexBacklog(folder);
  });
  renameSync(partial, data);
  report('done');
}

/** Takes a second or two. */
export function countStored({ chatDb, usersFile }: DataFolder): Stored {
  const archive = new Archive(chatDb);
  try {
    // Skips the first line, which is not a record, and the empty text after the last one.
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
  const wanted = messages * BYTES_PER_MESSAGE;
  if (free < wanted) throw new Error(`${dirname(data)} has ${free} bytes left, but ${wanted} are needed`);
}

/** Appends records with cheap passwords; the last record of a name is the one that counts. */
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
    addMessages(log, conversations, messages);
  } finally {
    log.close();
  }
}

/** Returns the first accounts, which are the members of conversations. */
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
    // The first join creates the room; the others refer to its id.
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

/** Alternates rooms and pairs from the busiest to the quietest, which gets a hundredth of the busiest one's messages. */
function addMessages(log: Projection, conversations: readonly Conversation[], messages: number): void {
  const random = startRandom(1);
  const generator = new TextGenerator(random);
  const draw = zipf(random, conversations.length, 0.7);
  const order = conversations.map((_, rank) => conversations[(rank % 2) * ROOMS + (rank >> 1)]);
  for (let done = 0; done < messages; done += BATCH) {
    const drafts = Array.from({ length: Math.min(BATCH, messages - done) }, () => {
      const conversation = order[draw()];
      if (conversation === undefined) throw new Error('there must be as many rooms as pairs');
      return message(conversation, generator.words().join(' '), random);
    });
    append(log, { drafts });
    if (done % 500_000 === 0) report(`${done} messages of ${messages}`);
  }
}

function message({ room, members }: Conversation, text: string, random: Random): Draft {
  const [account, peer] = twoOf(members, random);
  const sent = { account: account.id, user: account.name, text, key: null, origin: null };
  return room === undefined
    ? { kind: 'direct', ...sent, peer: peer.id, peerName: peer.name }
    : { kind: 'message', ...sent, room: room.id, roomName: room.name };
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

function report(text: string): void {
  console.error(`${new Date().toISOString()} ${text}`);
}
