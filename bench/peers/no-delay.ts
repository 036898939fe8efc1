/** A server as it is, but for Nagle's algorithm, which is turned off on its connections from outside. Linux. */

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runProcess } from '../../test/support/process.ts';
import type { Peer } from './peer.ts';
import { findDaemon } from './program.ts';

const SOURCE = fileURLToPath(new URL('no-delay.c', import.meta.url));
const COMPILE_MS = 30_000;

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
    version: () => (findDaemon('cc') === undefined ? Promise.resolve(undefined) : peer.version()),
    async start(folder) {
      const library = join(folder, 'no-delay.so');
      const compiler = runProcess(findDaemon('cc') ?? 'cc', ['-shared', '-fPIC', '-o', library, SOURCE]);
      const { code } = await compiler.exit(COMPILE_MS);
      if (code !== 0) throw new Error(`${SOURCE} cannot be compiled: ${compiler.stderr()}`);
      return peer.start(folder, { LD_PRELOAD: library });
    },
  };
}
