/**
 * Networks that are cut, with the limits that a server has in earnest; takes ten minutes, and needs root:
 *
 *     node test/long/network-cuts.ts
 */

import { runCampaign } from '../reliability/campaign.ts';
import { cutNetworks, REAL_LIMITS } from '../reliability/network-cuts.ts';

await runCampaign({ title: 'networks that are cut', cycles: 1, run: cutNetworks(REAL_LIMITS) });
