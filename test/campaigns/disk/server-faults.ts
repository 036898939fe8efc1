/** A real server on a disk of which, for a while, some operations fail, or all: any file, any thread. */

import { join } from 'node:path';
import type { Pick } from '../../support/random.ts';
import type { CampaignOptions, CampaignResult } from '../campaign.ts';
import { DiskTrouble } from './disk-campaign.ts';
import type { Trouble } from './fault-window.ts';
import { CHANGES, type Fault, FaultyDisk, OPERATION } from './faulty-disk.ts';

/** For as long as the trouble lasts. */
const FOREVER = Number.MAX_SAFE_INTEGER;
/** The operation that fails first is one of so many, of all files or of one. */
const FIRST_OF = 300;
const FIRST_OF_ONE = 60;
const FILES = [
  '',
  '',
  'chat.db-wal',
  'chat.db',
  'chat.db-shm',
  'tokens.db-wal',
  'search.db-wal',
  'users.txt',
];
const KINDS = {
  everything: CHANGES,
  writes: OPERATION.write,
  syncs: OPERATION.sync,
  'opening files': OPERATION.open,
  'cutting files': OPERATION.truncate,
} as const;

/** Needs a C compiler and Linux. */
export async function failServer(options: CampaignOptions): Promise<CampaignResult> {
  const data = join(options.folder, 'data');
  const disk = FaultyDisk.make(data, join(options.folder, 'tools'));
  try {
    const trouble = (_: number, pick: Pick): Trouble => drawTrouble(disk, pick);
    return await DiskTrouble.run({ ...options, data, env: disk.env, trouble });
  } finally {
    disk.close();
  }
}

function drawTrouble(disk: FaultyDisk, pick: Pick): Trouble {
  const names = Object.keys(KINDS).filter(isKind);
  // Half of the time all kinds of operations fail.
  const kind = pick(2) === 0 ? 'everything' : (names[pick(names.length)] ?? 'everything');
  const code = pick(3) === 0 ? 'ENOSPC' : 'EIO';
  const counts = [1, 1 + pick(100), FOREVER];
  const count = counts[pick(counts.length)] ?? 1;
  const name = FILES[pick(FILES.length)] ?? '';
  const first = 1 + pick(name === '' ? FIRST_OF : FIRST_OF_ONE);
  const fault: Fault = {
    code,
    kinds: KINDS[kind],
    first,
    last: count === FOREVER ? FOREVER : first + count - 1,
    name,
  };
  return {
    title: `${code} of ${kind}, ${count === FOREVER ? 'all' : count} from ${first} on, ${name || 'any file'}`,
    when: () => Promise.resolve(),
    begin: () => disk.fail(fault),
    keep: () => {},
    end: () => disk.heal(),
  };
}

function isKind(name: string): name is keyof typeof KINDS {
  return name in KINDS;
}
