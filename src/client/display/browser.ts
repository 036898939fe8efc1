/** Opens a file in the browser that the person uses. */

import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

/** How long an opener may take to fail; one that runs longer has become the browser. In ms. */
const FAIL_MS = 1_000;

/** Starts the browser in a process of its own, and returns why that failed, if it did. */
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
    child.once('exit', (code) => settle(code === 0 ? undefined : `it ended with ${code ?? 'a signal'}`));
  });
}

function opener(url: string): [program: string, args: string[]] {
  switch (process.platform) {
    case 'darwin':
      return ['open', [url]];
    case 'win32':
      // `start` takes its first argument in quotes for the title of a window.
      return ['cmd', ['/c', 'start', '""', url]];
    default:
      return ['xdg-open', [url]];
  }
}
