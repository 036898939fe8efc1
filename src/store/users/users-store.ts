/**
 * The accounts in `users.txt` (see `record.ts` for the format): all of them in memory, with every change appended to
 * the file and synced before it is acknowledged. When someone else has changed the file, it is read again.
 */

import { foldName } from '../../chat/names.ts';
import type { Account, AccountChange, AccountStore, AppendOutcome, ChangeOutcome } from '../accounts.ts';
import { isSystemError } from '../files/file-system.ts';
import type { AppendFile } from './append-file.ts';
import { apply } from './load.ts';
import { accountOf, formatRecord, nameOf } from './record.ts';

/**
 * Maximum number of waiting changes. Hashing is slower than any working disk, so the queue grows beyond this only if
 * the disk does not work.
 */
const MAX_WAITING = 1_024;

/**
 * An editor reads a file and replaces it a moment later, without what was appended in between. Therefore changes
 * acknowledged this recently are appended again if the reread file lacks them and says nothing else about the name.
 */
const RECENT_MS = 10_000;

/** The file and its content: the winning line of each account, without its newline, by folded name. */
export interface UsersContent {
  readonly file: AppendFile;
  readonly lines: Map<string, string>;
}

export interface UsersStoreOptions extends UsersContent {
  /**
   * Rereads the file after someone else has changed it; `seen` is called for every line. Undefined if the file cannot
   * be used as it is.
   */
  readonly read: (seen: (line: string) => void) => Promise<UsersContent | undefined>;
  /**
   * Called with the names of accounts that someone else has removed, or whose password someone else has changed, once
   * that is in force.
   */
  readonly changed: (names: readonly string[]) => void;
}

interface RecentChange {
  readonly line: string;
  /** The line that it superseded. */
  readonly before: string | undefined;
  readonly at: number;
}

interface WaitingChange {
  /** The line without its newline. */
  readonly line: string;
  readonly isReplacement: boolean;
  readonly settle: (outcome: ChangeOutcome) => void;
}

export class UsersStore implements AccountStore {
  readonly #read: UsersStoreOptions['read'];
  readonly #changed: UsersStoreOptions['changed'];
  #file: AppendFile;
  /** A string per account needs half the memory of an object. */
  #lines: Map<string, string>;
  #recent: RecentChange[] = [];
  #waiting: WaitingChange[] = [];
  #flushing: Promise<void> | undefined;
  #isCheckDue = false;
  #isClosed = false;

  constructor({ file, lines, read, changed }: UsersStoreOptions) {
    this.#file = file;
    this.#lines = lines;
    this.#read = read;
    this.#changed = changed;
  }

  get size(): number {
    return this.#lines.size;
  }

  find(name: string): Account | undefined {
    const line = this.#lines.get(foldName(name));
    return line === undefined ? undefined : accountOf(line);
  }

  *names(): Generator<string> {
    for (const line of this.#lines.values()) yield nameOf(line);
  }

  /** While one group is being written, later changes wait for the next. A full queue MUST refuse the newest. */
  async append(change: AccountChange): Promise<ChangeOutcome> {
    const { isReplacement = false } = change;
    const line = formatRecord(change).slice(0, -1);
    if (this.#isClosed || this.#waiting.length >= MAX_WAITING) return 'storage_failed';
    const { promise, resolve } = Promise.withResolvers<ChangeOutcome>();
    this.#waiting.push({ line, isReplacement, settle: resolve });
    this.#flushing ??= this.#flush();
    return promise;
  }

  async refresh(): Promise<void> {
    if (this.#isClosed) return;
    this.#isCheckDue = true;
    this.#flushing ??= this.#flush();
    await this.#flushing;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#flushing;
    await this.#file.close();
  }

  async #flush(): Promise<void> {
    // Changes appended in the same turn join the first group.
    await Promise.resolve();
    while (this.#waiting.length > 0 || this.#isCheckDue) {
      const isCheckDue = this.#isCheckDue;
      this.#isCheckDue = false;
      const group = this.#waiting.splice(0);
      const { possible = [], removed = [] } = Object.groupBy(group, (change) =>
        this.#isPossible(change) ? 'possible' : 'removed',
      );
      for (const { settle } of removed) settle('removed');
      if (possible.length === 0 && !(isCheckDue && (await this.#isChanged()))) continue;
      const outcome = possible.length === 0 ? await this.#takeOver([]) : await this.#append(possible);
      for (const change of possible) {
        change.settle(outcome === 'stored' && !this.#isPossible(change) ? 'removed' : outcome);
      }
    }
    this.#flushing = undefined;
  }

  #isPossible({ line, isReplacement }: WaitingChange): boolean {
    return !isReplacement || this.#lines.has(keyOf(line));
  }

  async #append(changes: readonly WaitingChange[]): Promise<AppendOutcome> {
    const lines = changes.map(({ line }) => line);
    const outcome = await this.#file.append(toBytes(lines));
    if (outcome === 'changed') return this.#takeOver(changes);
    if (outcome === 'stored') this.#stored(lines);
    return outcome;
  }

  #stored(lines: readonly string[]): void {
    const at = performance.now();
    this.#forgetOld(at);
    for (const line of lines) {
      this.#recent.push({ line, before: this.#lines.get(keyOf(line)), at });
      apply(this.#lines, line);
    }
  }

  /**
   * Only while the file is as this store left it: until a changed file has been taken over, nothing it may lack is
   * forgotten.
   */
  #forgetOld(now: number): void {
    this.#recent = this.#recent.filter(({ at }) => now - at < RECENT_MS);
  }

  /**
   * Takes over the file's current content, and appends the recent lines and these changes if it lacks them; all or
   * nothing. Accounts that are gone stay gone.
   */
  async #takeOver(changes: readonly WaitingChange[]): Promise<AppendOutcome> {
    const known = new Set(this.#recent.flatMap(({ line, before }) => [line, before]));
    /** The last line of each name. */
    const lacking = new Map<string, string>();
    const lines = changes.map(({ line }) => line);
    for (const line of [...this.#recent.map((recent) => recent.line), ...lines]) {
      known.add(this.#lines.get(keyOf(line)));
      lacking.set(keyOf(line), line);
    }
    const content = await this.#read((line) => {
      const wanted = lacking.get(keyOf(line));
      // Someone else has changed the account's password or removed it; that takes precedence.
      if (wanted === line || (wanted !== undefined && !known.has(line))) lacking.delete(keyOf(line));
    });
    if (content === undefined) return 'storage_failed';
    const recent = new Set(this.#recent.map(({ line }) => keyOf(line)));
    for (const { line, isReplacement } of changes) {
      const key = keyOf(line);
      if (isReplacement && !content.lines.has(key) && !recent.has(key)) lacking.delete(key);
    }
    const rest = [...lacking.values()];
    const outcome = rest.length === 0 ? 'stored' : await content.file.append(toBytes(rest));
    if (outcome !== 'stored') {
      await content.file.close();
      return 'storage_failed';
    }
    const before = this.#lines;
    await this.#file.close();
    this.#file = content.file;
    this.#lines = content.lines;
    this.#stored(rest);
    this.#reportChanges(before);
    return 'stored';
  }

  #reportChanges(before: ReadonlyMap<string, string>): void {
    const names: string[] = [];
    for (const [name, line] of before) {
      const now = this.#lines.get(name);
      if (now === undefined || accountOf(now).hash !== accountOf(line).hash) names.push(nameOf(line));
    }
    this.#changed(names);
  }

  async #isChanged(): Promise<boolean> {
    try {
      if (!(await this.#file.isUnchanged())) return true;
      this.#forgetOld(performance.now());
      return false;
    } catch (error) {
      // The next append reports what is wrong with the disk.
      if (isSystemError(error)) return false;
      throw error;
    }
  }
}

function keyOf(line: string): string {
  return foldName(nameOf(line));
}

function toBytes(lines: readonly string[]): Buffer {
  return Buffer.from(lines.map((line) => `${line}\n`).join(''));
}
