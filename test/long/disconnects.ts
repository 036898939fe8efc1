/**
 * Random disconnect points, by hand:
 *
 *     node test/long/disconnects.ts --runs 1000 --seed 1
 *
 * A run that found something again, by the seed that the finding names:
 *
 *     node test/long/disconnects.ts --runs 1 --seed 17
 */

import { randomDisconnects } from '../reliability/disconnects.ts';
import { runSeries } from '../reliability/runs.ts';

await runSeries('random disconnect points', randomDisconnects);
