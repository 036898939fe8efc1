/**
 * Checks whether paths still lead to the files that were opened through them. Someone may delete, move or replace an
 * open file or its folder; anything written to it then would be at no path that the next start would find.
 */

import { lstatSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** Minimum time between checks. An acknowledgement relies on a check no older than this. */
const CHECK_MS = 250;

type Identity = 'gone' | { readonly dev: bigint; readonly ino: bigint };

/** A folder and some files in it, as they are when this object is created. */
export class Placement {
  readonly #folder: string;
  readonly #identities: ReadonlyMap<string, Identity>;
  #checkedAt = Number.NEGATIVE_INFINITY;

  /** `folder` may be reached through a link. Throws if the folder or one of the files cannot be examined. */
  constructor(folder: string, files: readonly string[]) {
    this.#folder = folder;
    this.#identities = new Map([folder, ...files].map((path) => [path, this.#identify(path)]));
  }

  /** For a file, its folder, and other files beside it. */
  static of(file: string, ...others: readonly string[]): Placement {
    return new Placement(dirname(file), [file, ...others]);
  }

  /** The first path that no longer leads to the same file, as a sentence; undefined if there is none. */
  fault(): string | undefined {
    this.#checkedAt = performance.now();
    for (const [path, before] of this.#identities) {
      try {
        const now = this.#identify(path);
        if (isSame(now, before)) continue;
        return now === 'gone' ? `${path} is missing` : `${path} was replaced after it was opened`;
      } catch (error) {
        return `${path} cannot be examined: ${error instanceof Error ? error.message : String(error)}`;
      }
    }
    return undefined;
  }

  /** Like `fault`, but checks only if the last check was long enough ago, because a check costs some 10 µs. */
  faultIfDue(): string | undefined {
    return performance.now() - this.#checkedAt < CHECK_MS ? undefined : this.fault();
  }

  #identify(path: string): Identity {
    const stat = path === this.#folder ? statSync : lstatSync;
    return stat(path, { bigint: true, throwIfNoEntry: false }) ?? 'gone';
  }
}

function isSame(a: Identity, b: Identity): boolean {
  return a === 'gone' || b === 'gone' ? a === b : a.dev === b.dev && a.ino === b.ino;
}
