/** Parley itself, as anybody starts it, with guests and without the limit of commands. */

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { VERSION } from '../../src/common/version.ts';
import { parleyWire } from '../../src/load/wires/parley.ts';
import type { Peer } from './peer.ts';
import { startProgram } from './program.ts';

const PARLEY = fileURLToPath(new URL('../../bin/parley.js', import.meta.url));

export const parley: Peer = {
  name: 'Parley',
  wire: parleyWire,
  install: 'npm install',
  setup:
    'guests let in, no limit of commands a second; each message is on disk (synced) before it is acknowledged or delivered. The search index waits while 2,000 messages a second or more come in, and takes them in later: that work is in these figures only where more than a million messages came in one run',
  remark: undefined,
  lacks: [],
  offers: [
    'has every message in its log, written and synced, before it is acknowledged, and before anybody else sees it',
    'gives it an id and a time; all clients see all messages in one order',
    'tells the sender of each message that it is stored',
    'keeps it for history, for search, and for accounts that are away (the users of these runs are guests, who are not awaited)',
  ],
  version: () => Promise.resolve(VERSION),
  start: (folder) =>
    startProgram(process.execPath, [
      PARLEY,
      'serve',
      '--data',
      join(folder, 'data'),
      '--port',
      '0',
      '--guests',
      '--commands-per-second',
      '0',
      '--log-level',
      'warn',
    ]),
};
