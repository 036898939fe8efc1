/**
 * A disk whose n-th operation fails, by hand; `--cycles` is how often it fails under a real server. Needs Linux and a C
 * compiler, and is much quicker with `--folder` on a file system in memory:
 *
 *     node test/long/disk-faults.ts --cycles 50 --seed 1 --folder /dev/shm
 */

import { runCampaign } from '../reliability/campaign.ts';
import { failDisk } from '../reliability/disk-faults.ts';

await runCampaign({ title: 'a disk whose n-th operation fails', cycles: 50, run: failDisk });
