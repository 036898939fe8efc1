/** Opens a file in the user's browser. */

import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

/** How long the opener may take to fail, in ms. One that runs longer has become the browser. */
const FAIL_MS = 1_000;

/** Starts the browser in its own process. Returns the reason if that failed. */
export function openInBrowser(file: string): Promise<string | undefined> {
  const url = pathToFileURL(resolve(file)).href;
  const [program, args] = opener(url);
  return new Promise((answer) => {
    const child = spawn(program, args, { detached: true, stdio: 'ignore' });
    const settle = (reason: string | undefined): void => {
      clearTimeout(deadline);
      child.unref();
      answer(
        reason === undefined
          ? reason
          : `cannot open the browser (${program}: ${reason}); open ${url} yourself`,
      );
    };
    const deadline = setTimeout(settle, FAIL_MS, undefined);
    child.once('error', (error) => settle(error.message));
    child.once('exit', (code, signal) => {
      const reason = code === null ? `it was killed by ${signal}` : `it exited with code ${code}`;
      settle(code === 0 ? undefined : reason);
    });
  });
}

function opener(url: string): [program: string, args: string[]] {
  switch (process.platform) {
    case 'darwin':
      return ['open', [url]];
    case 'win32':
      // `start` takes a first quoted argument as a window title.
      return ['cmd', ['/c', 'start', '""', url]];
    default:
      return ['xdg-open', [url]];
  }
}
