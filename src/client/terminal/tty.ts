/** What Node does not offer of the terminal that a process was started in. */

import { closeSync, constants, openSync, readFileSync, readSync } from 'node:fs';

const PIECE_BYTES = 64 * 1024;
const LIMIT_MS = 2_000;
const TICK_MS = 10;

/** True if the terminal is this process's to read and to set up; from the background both would stop it. */
export function isInForeground(): boolean {
  if (process.platform !== 'linux') return true;
  try {
    // Behind the name of the program: state, parent, group, session, terminal, group in the foreground.
    const [, , group, , , foreground] = readFileSync('/proc/self/stat', 'latin1')
      .replace(/.*\) /s, '')
      .split(' ');
    return group === foreground;
  } catch {
    return true;
  }
}

/**
 * Discards what the terminal has sent and nobody has read, until nothing has come for `quietMs`; 0 does not wait.
 * Blocks the thread: for the end of the process.
 */
export function discardInput(quietMs: number): void {
  if (process.platform === 'win32' || !isInForeground()) return;
  let terminal: number;
  try {
    terminal = openSync('/dev/tty', constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    return;
  }
  const piece = Buffer.alloc(PIECE_BYTES);
  const pause = new Int32Array(new SharedArrayBuffer(4));
  const begin = performance.now();
  let heardAt = begin;
  for (let now = begin; now - begin < LIMIT_MS; now = performance.now()) {
    if (hasRead(terminal, piece)) heardAt = now;
    else if (now - heardAt >= quietMs) break;
    else Atomics.wait(pause, 0, 0, TICK_MS);
  }
  closeSync(terminal);
}

/** False when there is nothing to be read now, or never again. */
function hasRead(terminal: number, piece: Buffer): boolean {
  try {
    return readSync(terminal, piece) > 0;
  } catch {
    return false;
  }
}
