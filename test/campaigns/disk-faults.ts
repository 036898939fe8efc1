/**
 * Fails the n-th operation on the disk, for every n: for each store alone, with power cuts, and for a sample
 * of operations under a real server.
 */

import { type CampaignOptions, type CampaignResult, Findings } from './campaign.ts';
import { failServer } from './disk/server-faults.ts';
import { PLAY_KINDS } from './store-faults/fault-play.ts';
import { PLAYED, playFaults } from './store-faults/fault-plays.ts';
import { LOG_KINDS } from './store-faults/log-fault-play.ts';

/** Fails every `stride`-th operation of each store. Needs a C compiler and Linux. */
export async function failStores(
  { folder, seed, log }: CampaignOptions,
  stride: number,
): Promise<CampaignResult> {
  const findings = new Findings(...PLAY_KINDS, ...LOG_KINDS);
  const largest: Record<string, number> = {};
  const totals = { faults: 0, failures: 0, cuts: 0 };
  for (const file of PLAYED) {
    const played = await playFaults(file, folder, { stride, seed }, findings);
    Object.assign(largest, played.largest);
    totals.faults += played.counts.faults;
    totals.failures += played.counts.failures;
    totals.cuts += played.counts.cuts;
    log(`${file} is done`);
  }
  const figures = {
    ...Object.fromEntries(Object.entries(largest).map(([plan, n]) => [plan, `every n up to ${n}`])),
    'plays of SQLite files with a fault': totals.faults,
    'operations that failed in them': totals.failures,
    'power cuts looked at': totals.cuts,
  };
  return { figures, findings };
}

/** Fails every operation of each store, then operations of a real server for so many cycles. */
export async function failDisk(options: CampaignOptions): Promise<CampaignResult> {
  const stores = await failStores(options, 1);
  if (stores.findings.total > 0) return stores;
  const server = await failServer(options);
  return { figures: { ...stores.figures, ...server.figures }, findings: server.findings };
}
