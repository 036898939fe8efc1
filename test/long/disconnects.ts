/**
 * Random disconnect points, by hand:
 *
 *     node test/long/disconnects.ts --runs 1000 --seed 1
 *
 * A run that found something again, by the seed that the finding names:
 *
 *     node test/long/disconnects.ts --runs 1 --seed 17
 */

import { runCampaign } from '../reliability/campaign.ts';
import { randomDisconnects } from '../reliability/disconnects.ts';

await runCampaign({ title: 'random disconnect points', cycles: 1_000, unit: 'runs', run: randomDisconnects });
