/** Runs an existing server with Nagle's algorithm turned off on the connections that it accepts. Linux only. */

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compileLibrary, hasCompiler } from '../../test/support/program.ts';
import type { Peer } from './peer.ts';

const SOURCE = fileURLToPath(new URL('no-delay.c', import.meta.url));

export function withoutNagle(peer: Peer): Peer {
  return {
    ...peer,
    name: `${peer.name}-nodelay`,
    install: `${peer.install} gcc`,
    setup: `as ${peer.name}, with TCP_NODELAY set on each accepted connection (bench/peers/no-delay.c, loaded with LD_PRELOAD), as Parley and Socket.IO do`,
    remark: undefined,
    // The page already says this of the unmodified server.
    lacks: [],
    offers: [],
    version: () => (hasCompiler() ? peer.version() : Promise.resolve(undefined)),
    async start(folder) {
      const library = join(folder, 'no-delay.so');
      compileLibrary(SOURCE, library);
      return peer.start(folder, { LD_PRELOAD: library });
    },
  };
}
