/**
 * Threads that go wrong in each way, by hand:
 *
 *     node test/long/thread-deaths.ts --cycles 25 --seed 1
 */

import { runCampaign } from '../reliability/campaign.ts';
import { killThreads } from '../reliability/thread-deaths.ts';

await runCampaign({
  title: 'threads that throw, exit, run out of memory, spin, are killed',
  cycles: 25,
  run: killThreads,
});
