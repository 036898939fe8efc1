/**
 * SIGTERM and restart under load, by hand:
 *
 *     node test/long/restarts.ts --cycles 50 --seed 1
 */

import { runCampaign } from '../reliability/campaign.ts';
import { restartUnderLoad } from '../reliability/restarts.ts';

await runCampaign('SIGTERM and restart under load', 50, restartUnderLoad);
