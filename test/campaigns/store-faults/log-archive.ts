/**
 * The archive's connections to the log: they read, and run checkpoints, whatever the registry's connection
 * does.
 */

import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Archive } from '../../../src/store/sqlite/archive.ts';
import type { Attempt } from '../disk/send-outcomes.ts';
import { describe, isReadError, type PlayOptions } from './fault-play.ts';

/** The account whose history is read: the first one. */
const READER = 1;

export class LogArchive {
  readonly #options: PlayOptions;
  #archive: Archive | undefined;
  #checkpoints: DatabaseSync | undefined;

  constructor(options: PlayOptions) {
    this.#options = options;
  }

  /** As at the start of a server, which reads at once. */
  open(): void {
    if (!this.#options.isShared || this.#archive !== undefined) return;
    const file = join(this.#options.data, 'chat.db');
    try {
      const archive = new Archive(file);
      this.#archive = archive.lastId >= 0 ? archive : undefined;
      this.#checkpoints = new DatabaseSync(file);
      this.#checkpoints.exec('PRAGMA wal_autocheckpoint = 0; PRAGMA synchronous = FULL');
    } catch {
      // The fault hit this open; a server would try again.
    }
  }

  /** Checks that reads continue even if writes fail: `ann` gets her messages. */
  read(kept: readonly Attempt[]): void {
    const { findings, mayNotRead } = this.#options;
    if (this.#archive === undefined) return;
    try {
      const { entries } = this.#archive.replay(READER, 0, 1_000, 1_000_000);
      const seen = new Set(entries.map(({ id }) => id));
      const missing = kept.find(({ from, id }) => from === 'ann' && id !== undefined && !seen.has(id));
      if (missing !== undefined) findings.report('not read', `ann does not get ${missing.id} back`);
    } catch (error) {
      if (!mayNotRead || !isReadError(error)) findings.report('not read', describe(error));
    }
  }

  checkpoint(): void {
    try {
      this.#checkpoints?.prepare('PRAGMA wal_checkpoint(PASSIVE)').get();
    } catch {
      // The next checkpoint comes soon.
    }
  }

  close(): void {
    this.#archive?.close();
    this.#checkpoints?.close();
    this.#archive = undefined;
    this.#checkpoints = undefined;
  }
}
