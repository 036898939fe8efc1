/** Terminal operations that Node does not offer. */

import { closeSync, constants, openSync, readFileSync, readSync } from 'node:fs';

const PIECE_BYTES = 64 * 1024;
const LIMIT_MS = 2_000;
const TICK_MS = 10;

/** True if this process may read and configure the terminal. In the background, either would stop it. */
export function isInForeground(): boolean {
  if (process.platform !== 'linux') return true;
  try {
    // Fields after the program name: state, parent, group, session, terminal, foreground group.
    const [, , group, , , foreground] = readFileSync('/proc/self/stat', 'latin1')
      .replace(/.*\) /s, '')
      .split(' ');
    return group === foreground;
  } catch {
    return true;
  }
}

/**
 * Discards unread terminal input until none has arrived for `quietMs`; with 0 it does not wait. Blocks the thread; call
 * only at exit.
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
  let lastInputAt = begin;
  for (let now = begin; now - begin < LIMIT_MS; now = performance.now()) {
    if (hasRead(terminal, piece)) lastInputAt = now;
    else if (now - lastInputAt >= quietMs) break;
    else Atomics.wait(pause, 0, 0, TICK_MS);
  }
  closeSync(terminal);
}

/** False if there is nothing to read now, or ever again. */
function hasRead(terminal: number, piece: Buffer): boolean {
  try {
    return readSync(terminal, piece) > 0;
  } catch {
    return false;
  }
}
