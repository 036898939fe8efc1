/** Damages the ends of files: those of the log at each byte, those of a real server's folder at some. */

import { join } from 'node:path';
import { type CampaignOptions, type CampaignResult, Findings } from './campaign.ts';
import { damageLog } from './torn-ends/log-damage.ts';
import { damageServer } from './torn-ends/server-damage.ts';

/**
 * Distance between two damaged positions, in bytes. The positions around the ends of records are always
 * tried.
 */
export interface Strides {
  readonly logCut: number;
  readonly logOverwritten: number;
}

export const EVERY_BYTE: Strides = { logCut: 1, logOverwritten: 8 };

export async function tearEnds(
  options: CampaignOptions,
  strides: Strides = EVERY_BYTE,
): Promise<CampaignResult> {
  const { folder, seed, log } = options;
  const findings = new Findings('not recovered', 'not readable');
  const servers = await damageServer(options, findings);
  log(`server: ${servers} starts`);
  const logs = damageLog(join(folder, 'log'), seed, strides, findings);
  const figures = {
    'starts on chat.db': logs,
    'starts of the server': servers,
  };
  return { figures, findings };
}
