/** Socket.IO: a library for Node, with a small relay around it. */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { wire } from '../wires/socket-io.ts';
import type { Peer } from './peer.ts';
import { startProgram } from './program.ts';

const RELAY = fileURLToPath(new URL('socket-io-relay.ts', import.meta.url));
const PACKAGE = new URL('../../node_modules/socket.io/package.json', import.meta.url);

export const socketIo: Peer = {
  name: 'Socket.IO',
  wire,
  wireModule: new URL('../wires/socket-io.ts', import.meta.url).href,
  install: 'npm install',
  setup:
    'WebSocket only, without compression (its default), the adapter in memory, without the optional native add-ons of ws; a relay of 60 lines around it (bench/peers/socket-io-relay.ts)',
  remark: undefined,
  lacks: [
    'stores nothing: a message is gone when the recipient is away, or when the server ends',
    'its answer to a message means that the relay has it, not that it is on disk',
    'is a library: names, rooms, history and search are whatever is built on it; the relay has only names and rooms',
  ],
  offers: [
    'works in browsers, and through proxies that know only HTTP',
    'sends any events, binary ones too, with libraries for many languages',
    'spreads over several processes and machines by adapters',
  ],
  version() {
    try {
      const { version } = z.object({ version: z.string() }).parse(JSON.parse(readFileSync(PACKAGE, 'utf8')));
      return Promise.resolve(version);
    } catch {
      return Promise.resolve(undefined);
    }
  },
  start: (folder) => startProgram(process.execPath, [RELAY], { cwd: folder }),
};
