/**
 * Whether names still lead to the files that were opened by them. Somebody may delete, move or replace a file, or its folder,
 * while it is open: what is written to it then is under no name that the next start would find.
 */

import { lstatSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** How soon after one look the next may be. What is acknowledged rests on a look that is no older. */
const LOOK_MS = 250;

type Identity = 'gone' | { readonly dev: bigint; readonly ino: bigint };

/** A folder and some files in it, as they are when this is made. */
export class Placement {
  readonly #folder: string;
  readonly #identities: ReadonlyMap<string, Identity>;
  #lookedAt = Number.NEGATIVE_INFINITY;

  /** `folder` may be reached through a link. Throws if it, or one of the files, cannot be looked up. */
  constructor(folder: string, files: readonly string[]) {
    this.#folder = folder;
    this.#identities = new Map([folder, ...files].map((path) => [path, this.#identify(path)]));
  }

  /** Of a file, its folder, and other files beside it. */
  static of(file: string, ...others: readonly string[]): Placement {
    return new Placement(dirname(file), [file, ...others]);
  }

  /** The first name that does not lead where it did, as a sentence; undefined if there is none. */
  fault(): string | undefined {
    this.#lookedAt = performance.now();
    for (const [path, before] of this.#identities) {
      try {
        const now = this.#identify(path);
        if (isSame(now, before)) continue;
        return now === 'gone' ? `${path} is gone` : `${path} is not what it was when it was opened`;
      } catch (error) {
        return `${path} cannot be looked up: ${error instanceof Error ? error.message : String(error)}`;
      }
    }
    return undefined;
  }

  /** As `fault`, but looks only if the last look was long enough ago: it costs some 10 µs. */
  faultIfDue(): string | undefined {
    return performance.now() - this.#lookedAt < LOOK_MS ? undefined : this.fault();
  }

  #identify(path: string): Identity {
    const stat = path === this.#folder ? statSync : lstatSync;
    return stat(path, { bigint: true, throwIfNoEntry: false }) ?? 'gone';
  }
}

function isSame(a: Identity, b: Identity): boolean {
  return a === 'gone' || b === 'gone' ? a === b : a.dev === b.dev && a.ino === b.ino;
}
