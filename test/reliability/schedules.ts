/**
 * Random schedules: clients in rooms and in conversations of two, who join, leave, come and go, on several devices, and
 * read slowly, while threads of the server die. Each must get exactly once and in order what was said while it was a
 * member, and nothing else.
 */

import type { CampaignResult } from './campaign.ts';
import { runInHouses, type SeriesOptions } from './houses.ts';
import { drawSchedule } from './temper.ts';

export function randomSchedules(options: SeriesOptions): Promise<CampaignResult> {
  return runInHouses(options, drawSchedule);
}
