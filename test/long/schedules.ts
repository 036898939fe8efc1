/**
 * Random schedules, by hand:
 *
 *     node test/long/schedules.ts --runs 1000 --seed 1
 *
 * A run that found something again, by the seed that the finding names:
 *
 *     node test/long/schedules.ts --runs 1 --seed 17
 */

import { runSeries } from '../reliability/runs.ts';
import { randomSchedules } from '../reliability/schedules.ts';

await runSeries('random schedules', randomSchedules);
