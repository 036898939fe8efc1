/** A server as it is, but for Nagle's algorithm, which is turned off on its connections from outside. Linux. */

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compileLibrary, hasCompiler } from '../../test/support/program.ts';
import type { Peer } from './peer.ts';

const SOURCE = fileURLToPath(new URL('no-delay.c', import.meta.url));

export function withoutDelay(peer: Peer): Peer {
  return {
    ...peer,
    name: `${peer.name}-nodelay`,
    install: `${peer.install} gcc`,
    setup: `as ${peer.name}, with TCP_NODELAY set on each connection that it accepts (bench/peers/no-delay.c, by LD_PRELOAD), as Parley and Socket.IO set it`,
    remark: undefined,
    // What it lacks and offers is told of the server itself.
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
