/** Servers that serve one test each, or all tests of a file. */

import { afterAll, beforeAll, onTestFinished } from 'vitest';
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

/** For the top of a test file: one server for all of its tests. Before they begin, it has no address. */
export function sharedServer(...args: string[]): ServerRun['server'] & { readonly data: string } {
  const data = newPaths()();
  let started: RunningServer | undefined;
  beforeAll(async () => {
    started = await startServer({ data, args });
  });
  afterAll(async () => void (await started?.stop()));
  const server = (): RunningServer => {
    if (started === undefined) throw new Error('the server has not been started yet');
    return started;
  };
  return {
    data,
    get child() {
      return server().child;
    },
    get address() {
      return server().address;
    },
    get port() {
      return server().port;
    },
    stdout: () => server().stdout(),
    stderr: () => server().stderr(),
    stop: () => server().stop(),
    kill: () => server().kill(),
    crash: (...thread) => server().crash(...thread),
  };
}
