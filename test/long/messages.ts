/**
 * kill −9 in the middle of messages, by hand:
 *
 *     node test/long/messages.ts --cycles 200 --seed 1
 */

import { runCampaign } from '../reliability/campaign.ts';
import { killMessages } from '../reliability/messages.ts';

await runCampaign({ title: 'kill −9 in the middle of messages', cycles: 200, run: killMessages });
