/**
 * Runs the stores on a disk whose n-th operation fails, for every n, each in a process of its own on a
 * `FaultyDisk`.
 */

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { runProcess } from '../../support/process.ts';
import type { Findings } from '../campaign.ts';
import { FaultyDisk } from '../disk/faulty-disk.ts';

const CHILD = fileURLToPath(new URL('./fault-plays.child.ts', import.meta.url));
/** Enough for thousands of starts on a busy machine. */
const TIMEOUT_MS = 60 * 60_000;

export const PLAYED = ['chat.db', 'tokens.db'] as const;

const report = z.object({
  largest: z.record(z.string(), z.number()),
  counts: z.object({ faults: z.number(), failures: z.number(), cuts: z.number() }),
  broken: z.array(z.string()),
});

export interface PlayedFaults {
  /** The largest n that failed, by plan. */
  readonly largest: Readonly<Record<string, number>>;
  /** Scripts with a fault, failed operations, and simulated power cuts. */
  readonly counts: { readonly faults: number; readonly failures: number; readonly cuts: number };
}

/** Fails every `stride`-th operation; the seed sets the first. */
export async function playFaults(
  file: (typeof PLAYED)[number],
  folder: string,
  { stride, seed }: { readonly stride: number; readonly seed: number },
  findings: Findings,
): Promise<PlayedFaults> {
  const played = join(folder, file);
  const tools = join(folder, `${file}-tools`);
  const disk = FaultyDisk.make(played, tools, join(folder, `${file}-journal`));
  const args = [
    CHILD,
    '--file',
    file,
    '--folder',
    played,
    '--stride',
    String(stride),
    '--seed',
    String(seed),
  ];
  const child = runProcess(process.execPath, args, { env: { ...process.env, ...disk.env } });
  const { code } = await child.exit(TIMEOUT_MS);
  disk.close();
  if (code !== 0) throw new Error(`${args.join(' ')} exited with ${code}\n${child.stderr()}`);
  const { largest, counts, broken } = report.parse(JSON.parse(child.stdout()));
  for (const line of broken) {
    const [kind = '', ...detail] = line.split(': ');
    findings.report(kind, detail.join(': '));
  }
  for (const path of [played, `${played}-left`, tools]) rmSync(path, { recursive: true, force: true });
  return { largest, counts };
}
