/**
 * Random disconnect points: clients in rooms and in conversations of two, under traffic that never rests, whose connections
 * are cut at some byte again and again, in the middle of frames, of logins, of replays, right behind a send. They come
 * back with the last id that they have, and repeat what is unanswered; what each has been shown must be what is stored.
 */

import type { CampaignResult } from './campaign.ts';
import { runInHouses, type SeriesOptions } from './houses.ts';
import { drawDisconnects } from './temper.ts';

export function randomDisconnects(options: SeriesOptions): Promise<CampaignResult> {
  return runInHouses(options, drawDisconnects);
}
