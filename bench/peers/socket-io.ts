/** Socket.IO: a library for Node, wrapped in a small relay. */

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
    'WebSocket only, no compression (its default), the in-memory adapter, without the optional native add-ons of ws; wrapped in a relay of 60 lines (bench/peers/socket-io-relay.ts)',
  remark: undefined,
  lacks: [
    'stores nothing: a message is gone if the recipient is away or the server exits',
    'acknowledges a message when the relay has it, not when it is on disk',
    'is a library: names, rooms, history and search are up to the program that uses it; this relay has only names and rooms',
  ],
  offers: [
    'works in browsers, and through proxies that only pass HTTP',
    'sends arbitrary events, including binary ones, and has libraries for many languages',
    'scales to several processes and machines with adapters',
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
