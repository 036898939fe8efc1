/** What kind of file system a folder is on: whether writing to it means writing to a disk. */

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

/** Such as `ext4` or `tmpfs`; `unknown` where there is no /proc. */
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
