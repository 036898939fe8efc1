/**
 * A disk that fills up under a server at work, by hand; as root, who may mount a small one:
 *
 *     node test/long/disk-full.ts --cycles 50 --seed 1
 */

import { runCampaign } from '../reliability/campaign.ts';
import { fillDisk } from '../reliability/disk-full.ts';

await runCampaign({
  title: 'a disk that fills up',
  cycles: 50,
  async run(options) {
    const result = await fillDisk(options);
    if (result === undefined) throw new Error('only root may mount a small disk: run it as root');
    return result;
  },
});
