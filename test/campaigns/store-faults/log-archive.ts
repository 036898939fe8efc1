/** The archive's connections to a log: they read, and move its tail along, whatever the registry's connection does. */

import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Archive } from '../../../src/store/sqlite/archive.ts';
import type { Saying } from '../disk/send-outcomes.ts';
import { describe, isReadError, type PlayOptions } from './fault-play.ts';

/** The account whose past is read: the first of all. */
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
      // The fault was here: a server would try again.
    }
  }

  /** Reads go on, whatever cannot be written: `ann` gets back what she has said. */
  read(kept: readonly Saying[]): void {
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
      // The next one comes soon.
    }
  }

  close(): void {
    this.#archive?.close();
    this.#checkpoints?.close();
    this.#archive = undefined;
    this.#checkpoints = undefined;
  }
}
