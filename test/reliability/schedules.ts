/**
 * Random schedules: clients in rooms and in conversations of two, who join, leave, come and go, on several devices, and
 * read slowly, while threads of the server die. Each must get exactly once and in order what was said while it was a
 * member, and nothing else.
 */

import type { CampaignResult } from './campaign.ts';
import { runInHouses, type SeriesOptions } from './houses.ts';
import { drawSchedule } from './temper.ts';

export async function randomSchedules(options: SeriesOptions): Promise<CampaignResult> {
  const { sums, findings } = await runInHouses(options, drawSchedule);
  return { figures: { schedules: options.cycles, ...sums }, findings };
}
