/** A folder for one test file, removed after its tests. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** Call at the top of a test file. */
export function testFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'parley-test-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** For the top of a test file: each call returns the path of another folder or file, where nothing is yet. */
export function newPaths(ending = ''): () => string {
  const folder = testFolder();
  let count = 0;
  return () => {
    count += 1;
    return `${folder}/${count}${ending}`;
  };
}
