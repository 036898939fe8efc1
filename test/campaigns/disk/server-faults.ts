/**
 * Runs a real server on a disk where, for a while, some or all operations fail, on any file and any thread.
 */

import { join } from 'node:path';
import type { Pick } from '../../support/random.ts';
import type { CampaignOptions, CampaignResult } from '../campaign.ts';
import { DiskCampaign } from './disk-campaign.ts';
import type { FaultWindow } from './fault-window.ts';
import { CHANGES, type Fault, FaultyDisk, OPERATION } from './faulty-disk.ts';

/** Until the window ends. */
const FOREVER = Number.MAX_SAFE_INTEGER;
/** The first failing operation is drawn from this many, among all files or one file. */
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
    const window = (_: number, pick: Pick): FaultWindow => drawWindow(disk, pick);
    return await DiskCampaign.run({ ...options, data, env: disk.env, window });
  } finally {
    disk.close();
  }
}

function drawWindow(disk: FaultyDisk, pick: Pick): FaultWindow {
  const names = Object.keys(KINDS).filter(isKind);
  // Half of the time every kind of operation fails.
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
