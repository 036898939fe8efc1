/** Finds out what kind of file system a folder is on, because on some a write never reaches a disk. */

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

/** A type such as `ext4` or `tmpfs`, or `unknown` if there is no /proc. */
export function fileSystemOf(folder: string): string {
  let mounts: string;
  try {
    mounts = readFileSync('/proc/self/mounts', 'utf8');
  } catch {
    return 'unknown';
  }
  const path = resolve(folder);
  const above = mounts
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([, point = '']) => point === '/' || path === point || path.startsWith(`${point}/`))
    .toSorted(([, a = ''], [, b = '']) => a.length - b.length);
  return above.at(-1)?.[2] ?? 'unknown';
}
