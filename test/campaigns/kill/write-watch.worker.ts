/** Watches a file, kills a process at the file's n-th change, and reports it. */

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
    // The process is already dead.
  }
  parentPort?.postMessage('killed');
});
