/** Logs when the process has run out of file descriptors. */

import { close, open } from 'node:fs';
import { devNull } from 'node:os';
import type { Logger } from 'pino';

const CHECK_MS = 1_000;
const REPORT_MS = 60_000;

/**
 * Checks every second whether another file can be opened. Without free descriptors the event loop silently closes new
 * connections.
 */
export function watchOpenFiles(log: Logger): void {
  let reportedAt = Number.NEGATIVE_INFINITY;
  const check = (): void =>
    open(devNull, (error, fd) => {
      if (error === null) close(fd);
      const isExhausted = error?.code === 'EMFILE' || error?.code === 'ENFILE';
      if (!isExhausted || performance.now() - reportedAt < REPORT_MS) return;
      reportedAt = performance.now();
      log.error(
        { event: 'open_files.exhausted', code: error.code },
        'out of file descriptors, so new connections are closed at once; raise the limit on open files (ulimit -n)',
      );
    });
  setInterval(check, CHECK_MS).unref();
}
