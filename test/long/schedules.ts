/**
 * Random schedules, by hand:
 *
 *     node test/long/schedules.ts --runs 1000 --seed 1
 *
 * A run that found something again, by the seed that the finding names:
 *
 *     node test/long/schedules.ts --runs 1 --seed 17
 */

import { runCampaign } from '../reliability/campaign.ts';
import { randomSchedules } from '../reliability/schedules.ts';

await runCampaign({ title: 'random schedules', cycles: 1_000, unit: 'runs', run: randomSchedules });
