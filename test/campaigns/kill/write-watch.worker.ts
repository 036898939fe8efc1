/** Watches a file of a folder, kills a process at the n-th change that it sees, and says so. */

import { watch } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';

export interface WatchData {
  readonly folder: string;
  readonly file: string;
  readonly count: number;
  readonly pid: number;
}

const { folder, file, count, pid }: WatchData = workerData;
let changes = 0;
watch(folder, (_, name) => {
  if (name !== file) return;
  changes += 1;
  if (changes !== count) return;
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Somebody else was faster.
  }
  parentPort?.postMessage('killed');
});
