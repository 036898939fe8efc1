/**
 * Files that have lost their end, by hand; `--cycles` is how often the real server is started on one:
 *
 *     node test/long/torn-ends.ts --cycles 100 --seed 1
 *
 * Hundreds of thousands of starts, each with its syncs: with `--folder` on a file system in memory it takes half the time.
 */

import { runCampaign } from '../reliability/campaign.ts';
import { tearEnds } from '../reliability/torn-ends.ts';

await runCampaign({ title: 'files that have lost their end', cycles: 100, run: tearEnds });
