/**
 * kill −9 in the middle of registrations, by hand:
 *
 *     node test/long/registrations.ts --cycles 200 --seed 1
 */

import { runCampaign } from '../reliability/campaign.ts';
import { killRegistrations } from '../reliability/registrations.ts';

await runCampaign({ title: 'kill −9 in the middle of registrations', cycles: 200, run: killRegistrations });
