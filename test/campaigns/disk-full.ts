/** Fills a real disk under a busy server, each time at another kind of moment. */

import { cpSync, type FSWatcher, watch } from 'node:fs';
import { join } from 'node:path';
import type { Pick } from '../support/random.ts';
import { SmallDisk } from '../support/small-disk.ts';
import type { CampaignOptions, CampaignResult } from './campaign.ts';
import { DiskCampaign } from './disk/disk-campaign.ts';
import type { FaultScene, FaultWindow } from './disk/fault-window.ts';

const DISK_SIZE = '160m';
/** Free space before the disk is filled: more than a server writes in a cycle. */
const HEADROOM_BYTES = 12 * 1_024 * 1_024;
/** If the moment has not come by then, the disk is filled anyway. */
const LATEST_MS = 3_000;

const FILL_POINTS = [
  'at the start',
  'after some messages',
  'in the middle of a burst',
  'to within a few KiB',
  'at a registration',
  'at a checkpoint',
  'while search.db is filled',
  'while tokens.db is written',
] as const;
type FillPoint = (typeof FILL_POINTS)[number];

/** The files whose change marks the moment. */
const FILES: Partial<Record<FillPoint, readonly string[]>> = {
  'at a registration': ['users.txt'],
  'at a checkpoint': ['chat.db'],
  'while search.db is filled': ['search.db', 'search.db-wal'],
  'while tokens.db is written': ['tokens.db', 'tokens.db-wal'],
};

/** Undefined if no disk can be mounted. */
export async function fillDisk(options: CampaignOptions): Promise<CampaignResult | undefined> {
  const disk = SmallDisk.mount(join(options.folder, 'disk'), DISK_SIZE);
  if (disk === undefined) return undefined;
  try {
    const data = join(disk.folder, 'data');
    const window = (cycle: number, pick: Pick): FaultWindow => filling(disk, cycle, options.seed, pick);
    const result = await DiskCampaign.run({ ...options, data, env: {}, window });
    // The disk is about to disappear, and whoever investigates the findings needs the data.
    if (result.findings.total > 0) cpSync(data, join(options.folder, 'data'), { recursive: true });
    return result;
  } finally {
    disk.unmount();
  }
}

function filling(disk: SmallDisk, cycle: number, seed: number, pick: Pick): FaultWindow {
  const fillPoint = FILL_POINTS[(cycle + seed) % FILL_POINTS.length] ?? 'at the start';
  const left = fillPoint === 'to within a few KiB' ? 4_096 * (1 + pick(16)) : 0;
  disk.load(HEADROOM_BYTES);
  return {
    title: `full ${fillPoint}`,
    when: (scene) => comes(fillPoint, scene),
    begin: () => disk.fill(left),
    keep: () => {
      if (left === 0) disk.fill(0);
    },
    end: () => disk.release(),
  };
}

async function comes(fillPoint: FillPoint, scene: FaultScene): Promise<void> {
  const { data, pick } = scene;
  switch (fillPoint) {
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
      return changed(data, FILES[fillPoint] ?? [], 1 + pick(3));
  }
}

async function storedMore({ stored }: FaultScene, count: number): Promise<void> {
  const goal = stored() + count;
  const deadline = performance.now() + LATEST_MS;
  while (stored() < goal && performance.now() < deadline) await new Promise(setImmediate);
}

/** Resolves when these files have changed `count` times. */
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
