/**
 * Unsent messages kept on disk for the next start: one private file per run that left some. A run changes only its own
 * file and deletes those whose messages it has taken over, so two clients of one account cannot lose each other's
 * messages. A message that is in two files has the same key in both, and is stored once.
 *
 * Everything is synchronous, so that a process that is about to exit can still save its messages.
 */

import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { foldName } from '../../chat/names.ts';
import { type Address, formatAddress } from '../../common/address.ts';
import { key, recipient, text } from '../../protocol/arguments.ts';
import type { Unsent } from './send-queue.ts';
import { accountFolder } from './state-folder.ts';

export interface Loaded {
  /** In the order they were typed. */
  readonly messages: readonly Unsent[];
  /** Problems for people: what could not be read, and why. */
  readonly problems: readonly string[];
}

export type SaveResult =
  | { readonly type: 'kept'; readonly file: string }
  | { readonly type: 'failed'; readonly text: string };

const NAME = /^unsent-[0-9a-f]{16}\.json$/;
const VERSION = 1;
/** Far more than one run can leave. */
const SIZE_LIMIT = 64 * 1024 * 1024;

const unsent = z.object({
  key: z.string().refine(key.is),
  to: z.string().refine(recipient.is),
  text: z.string().refine(text.is),
  at: z.number(),
  wasSent: z.boolean(),
});
const content = z.object({
  version: z.literal(VERSION),
  server: z.string(),
  user: z.string(),
  messages: z.array(unsent),
});

export class UnsentStore {
  readonly #folder: string;
  readonly #server: string;
  readonly #user: string;
  readonly #file: string;
  /** Files of earlier runs whose messages this run has taken over. */
  #taken: string[] = [];
  /** Messages that stay on disk for a later start. */
  #setAside: readonly Unsent[] = [];

  constructor(address: Address, user: string, folder: string = accountFolder(address, user)) {
    this.#folder = folder;
    this.#server = formatAddress(address);
    this.#user = foldName(user);
    this.#file = join(folder, `unsent-${randomBytes(8).toString('hex')}.json`);
  }

  /** Reads what earlier runs left. The files stay until `save`. */
  load(): Loaded {
    const runs: Array<readonly Unsent[]> = [];
    const problems: string[] = [];
    this.#taken = [];
    for (const file of this.#list()) {
      const read = this.#read(file);
      if (typeof read === 'string') {
        problems.push(read);
      } else {
        this.#taken.push(file);
        runs.push(read);
      }
    }
    const messages = new Map<string, Unsent>();
    for (const run of runs.sort((a, b) => beganAt(a) - beganAt(b))) {
      for (const message of run) messages.set(message.key, message);
    }
    return { messages: [...messages.values()], problems };
  }

  /** Sets messages aside for a later start. */
  setAside(messages: readonly Unsent[]): void {
    this.#setAside = messages;
  }

  /** Replaces the saved messages with these and the ones set aside. */
  save(messages: readonly Unsent[]): SaveResult {
    const all = [...this.#setAside, ...messages];
    try {
      if (all.length > 0) this.#write(all);
      else this.#remove(this.#file);
      for (const file of this.#taken) this.#remove(file);
      this.#taken = [];
      return { type: 'kept', file: this.#file };
    } catch (error) {
      return { type: 'failed', text: error instanceof Error ? error.message : String(error) };
    }
  }

  #list(): string[] {
    try {
      return readdirSync(this.#folder)
        .filter((name) => NAME.test(name))
        .map((name) => join(this.#folder, name));
    } catch {
      return [];
    }
  }

  /** The messages, or the problem as a text. Renames a damaged file; leaves another account's file alone. */
  #read(file: string): readonly Unsent[] | string {
    let source: string;
    try {
      const found = readPrivate(file);
      if (found.type === 'refused')
        return `${file} was ignored, and its messages are not sent: ${found.text}`;
      source = found.source;
    } catch (error) {
      return `${file} cannot be read: ${error instanceof Error ? error.message : error}`;
    }
    const parsed = content.safeParse(parse(source));
    if (!parsed.success) {
      try {
        renameSync(file, `${file}.damaged`);
      } catch {
        return `${file} is damaged, so its messages are not sent`;
      }
      return `${file} is damaged, so its messages are not sent; it was renamed to ${file}.damaged`;
    }
    const { server, user, messages } = parsed.data;
    if (server !== this.#server || user !== this.#user) {
      return `${file} belongs to ${user} on ${server}, so its messages are not sent`;
    }
    return messages;
  }

  #write(messages: readonly Unsent[]): void {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    const data = { version: VERSION, server: this.#server, user: this.#user, messages };
    const temporary = `${this.#file}.tmp`;
    this.#remove(temporary);
    const handle = openSync(temporary, 'wx', 0o600);
    try {
      writeFileSync(handle, `${JSON.stringify(data)}\n`);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    renameSync(temporary, this.#file);
    syncFolder(this.#folder);
  }

  #remove(file: string): void {
    try {
      unlinkSync(file);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    }
  }
}

type Source =
  | { readonly type: 'source'; readonly source: string }
  | { readonly type: 'refused'; readonly text: string };

/** Reads a file only if no other user can have written it. */
function readPrivate(file: string): Source {
  const handle = openSync(
    file,
    constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0),
  );
  try {
    const { uid, mode, size } = fstatSync(handle);
    const isFile = (mode & constants.S_IFMT) === constants.S_IFREG;
    if (!isFile) return { type: 'refused', text: 'it is not a regular file' };
    if (process.getuid !== undefined && uid !== process.getuid()) {
      return { type: 'refused', text: 'it belongs to another user of this machine' };
    }
    if (process.platform !== 'win32' && (mode & 0o022) !== 0) {
      return { type: 'refused', text: 'other users can write to it' };
    }
    if (size > SIZE_LIMIT) return { type: 'refused', text: 'it is too large' };
    return { type: 'source', source: readFileSync(handle, 'utf8') };
  } finally {
    closeSync(handle);
  }
}

function beganAt([first]: readonly Unsent[]): number {
  return first?.at ?? 0;
}

function parse(source: string): unknown {
  try {
    return JSON.parse(source);
  } catch {
    return undefined;
  }
}

/** Makes the new name durable. Windows cannot sync a folder. */
function syncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
