/** A real disk that fills up, at a moment of every kind, under a server at work. */

import { cpSync, type FSWatcher, watch } from 'node:fs';
import { join } from 'node:path';
import type { Pick } from '../support/random.ts';
import { SmallDisk } from '../support/small-disk.ts';
import type { CampaignOptions, CampaignResult } from './campaign.ts';
import { DiskTrouble } from './disk/disk-campaign.ts';
import type { Scene, Trouble } from './disk/fault-window.ts';

const DISK_MEGABYTES = 160;
/** Free before it is filled: what a server writes in a cycle, and more. */
const HEADROOM_BYTES = 12 * 1_024 * 1_024;
/** A moment that has not come by itself comes then. */
const LATEST_MS = 3_000;

const MOMENTS = [
  'at the start',
  'after some messages',
  'in the middle of a burst',
  'to within a few KiB',
  'at a registration',
  'at a checkpoint',
  'while search.db is filled',
  'while tokens.db is written',
] as const;
type Moment = (typeof MOMENTS)[number];

/** Which file changes at a moment. */
const FILES: Partial<Record<Moment, readonly string[]>> = {
  'at a registration': ['users.txt'],
  'at a checkpoint': ['chat.db'],
  'while search.db is filled': ['search.db', 'search.db-wal'],
  'while tokens.db is written': ['tokens.db', 'tokens.db-wal'],
};

/** Undefined where no disk can be mounted. */
export async function fillDisk(options: CampaignOptions): Promise<CampaignResult | undefined> {
  const disk = SmallDisk.mount(join(options.folder, 'disk'), DISK_MEGABYTES);
  if (disk === undefined) return undefined;
  try {
    const data = join(disk.folder, 'data');
    const trouble = (cycle: number, pick: Pick): Trouble => filling(disk, cycle, options.seed, pick);
    const result = await DiskTrouble.run({ ...options, data, env: {}, trouble });
    // The disk goes; whoever looks for what was broken needs the data.
    if (result.findings.total > 0) cpSync(data, join(options.folder, 'data'), { recursive: true });
    return result;
  } finally {
    disk.unmount();
  }
}

function filling(disk: SmallDisk, cycle: number, seed: number, pick: Pick): Trouble {
  const moment = MOMENTS[(cycle + seed) % MOMENTS.length] ?? 'at the start';
  const left = moment === 'to within a few KiB' ? 4_096 * (1 + pick(16)) : 0;
  disk.load(HEADROOM_BYTES);
  return {
    title: `full ${moment}`,
    when: (scene) => comes(moment, scene),
    begin: () => disk.fill(left),
    keep: () => {
      if (left === 0) disk.fill(0);
    },
    end: () => disk.release(),
  };
}

async function comes(moment: Moment, scene: Scene): Promise<void> {
  const { data, pick } = scene;
  switch (moment) {
    case 'at the start':
      return;
    case 'in the middle of a burst':
      await storedMore(scene, pick(50));
      scene.burst();
      return;
    case 'after some messages':
    case 'to within a few KiB':
      return storedMore(scene, pick(400));
    default:
      return changed(data, FILES[moment] ?? [], 1 + pick(3));
  }
}

async function storedMore({ stored }: Scene, count: number): Promise<void> {
  const goal = stored() + count;
  const deadline = performance.now() + LATEST_MS;
  while (stored() < goal && performance.now() < deadline) await new Promise(setImmediate);
}

/** Resolves at the n-th change of one of these files. */
function changed(folder: string, files: readonly string[], count: number): Promise<void> {
  return new Promise((resolve) => {
    let changes = 0;
    const end = (): void => {
      clearTimeout(deadline);
      watcher.close();
      resolve();
    };
    const watcher: FSWatcher = watch(folder, (_, name) => {
      if (name === null || !files.includes(name)) return;
      changes += 1;
      if (changes === count) end();
    });
    const deadline = setTimeout(end, LATEST_MS);
  });
}
