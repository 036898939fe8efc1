/**
 * SIGTERM and restart under load, by hand:
 *
 *     node test/long/restarts.ts --cycles 50 --seed 1
 */

import { runCampaign } from '../reliability/campaign.ts';
import { restartUnderLoad } from '../reliability/restarts.ts';

await runCampaign({ title: 'SIGTERM and restart under load', cycles: 50, run: restartUnderLoad });
