/** Parley itself, started by its normal command, with guests and without a command rate limit. */

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
    'guests allowed, no command rate limit; each message is synced to disk before it is acknowledged or delivered. The search index pauses while at least 2,000 messages per second arrive and catches up later, so its work is in these figures only if a run had more than a million messages',
  remark: undefined,
  lacks: [],
  offers: [
    'writes every message to its log and syncs it before acknowledging or delivering it',
    'gives each message an id and a time; all clients see all messages in the same order',
    'tells the sender that each message is stored',
    'keeps messages for history, search and accounts that are offline (the users of these runs are guests, for whom nothing is kept)',
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
