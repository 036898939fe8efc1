/** Opens a file in the browser that the person uses. */

import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Starts the browser in a process of its own, and returns why that failed, if it did. */
export function openInBrowser(file: string): Promise<string | undefined> {
  const url = pathToFileURL(resolve(file)).href;
  const [program, args] = opener(url);
  return new Promise((settle) => {
    const child = spawn(program, args, { detached: true, stdio: 'ignore' });
    child.once('error', (error) => {
      settle(`cannot open the browser (${program}: ${error.message}); open ${url} yourself`);
    });
    child.once('spawn', () => {
      child.unref();
      settle(undefined);
    });
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
