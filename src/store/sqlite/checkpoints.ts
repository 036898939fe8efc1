/**
 * Moves the write-ahead log of `chat.db` into the database while others read and write. This is not done by the thread that
 * commits, so no message waits for it.
 */

import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { secureExistingDatabase } from '../files/data-file.ts';

export class Checkpoints {
  readonly #file: string;
  #checkpoint: StatementSync | undefined;

  constructor(file: string) {
    this.#file = file;
  }

  /** Moves everything that no reader still needs in the log. A failure is ignored; the next call tries again. */
  run(): void {
    try {
      this.#checkpoint ??= openCheckpoint(this.#file);
      this.#checkpoint.get();
    } catch {
      // The log itself is whole, and the thread that commits notices a disk that stays broken.
    }
  }
}

function openCheckpoint(file: string): StatementSync {
  secureExistingDatabase(file);
  const db = new DatabaseSync(file);
  db.exec('PRAGMA wal_autocheckpoint = 0; PRAGMA synchronous = FULL');
  return db.prepare('PRAGMA wal_checkpoint(PASSIVE)');
}
