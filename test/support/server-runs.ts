/** Servers that serve one test each. */

import { onTestFinished } from 'vitest';
import { newPaths } from './folder.ts';
import { type RunningServer, startServer } from './server.ts';

export interface ServerRun {
  readonly server: RunningServer;
  readonly data: string;
}

/** For the top of a test file: each call starts a server on a new folder, with these arguments, and kills it after the test. */
export function serverRuns(): (...args: string[]) => Promise<ServerRun> {
  const newFolder = newPaths();
  return async (...args) => {
    const data = newFolder();
    const server = await startServer({ data, args });
    onTestFinished(async () => void (await server.kill()));
    return { server, data };
  };
}
