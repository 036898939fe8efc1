/** `users.txt` on a disk whose n-th operation fails, for every n; alone, and with a power cut at the end. */

import { mkdirSync, rmSync } from 'node:fs';
import type { AccountChange, AccountStore, AppendOutcome } from '../../../src/store/accounts.ts';
import { BrokenDisk, type Fault } from '../../store/users/broken-disk.ts';
import type { Findings } from '../campaign.ts';
import { AT, accountsIn, fold, openUsers, usualHash } from '../torn-ends/users-store.ts';

interface Plan extends Omit<Fault, 'at'> {
  readonly isCut: boolean;
}

const PLANS: readonly Plan[] = [
  { code: 'EIO', isCut: false },
  { code: 'EIO', isCut: true },
  { code: 'ENOSPC', isCut: false },
  { code: 'ENOSPC', isCut: true },
  { code: 'EIO', isCrash: true, isCut: false },
  { code: 'EIO', isCrash: true, isCut: true },
];

/** Groups of changes, each at one moment; the file is closed and opened between the lists. The second start compacts. */
const SESSIONS: ReadonlyArray<ReadonlyArray<readonly AccountChange[]>> = [
  [[change('alice', 1)], [change('bob', 2), change('carol', 3)], [change('Alice', 4)]],
  [[change('bob', 9)], [change('dave', 5)], Array.from({ length: 40 }, (_, i) => change(`user${i}`, i))],
  [[change('erin', 6)]],
];

type Run = Array<readonly [AccountChange, AppendOutcome]>;

/** The largest n that fails, by plan. */
export async function failUsers(
  folder: string,
  stride: number,
  findings: Findings,
): Promise<Record<string, number>> {
  const largest: Record<string, number> = {};
  for (const plan of PLANS) {
    for (let at = 1; ; at += stride) {
      rmSync(folder, { recursive: true, force: true });
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      const disk = await BrokenDisk.under(folder);
      disk.fail({ ...plan, at });
      const run = await play(folder, disk);
      const { operations } = disk;
      if (plan.isCut) await disk.powerCut();
      else await disk.end();
      const wrong = await compare(folder, run, plan.isCrash === true);
      if (wrong !== undefined) findings.report('lost', `${title(plan)}, n = ${at}: ${wrong}`);
      if (operations >= at) continue;
      largest[title(plan)] = at - stride;
      break;
    }
  }
  return largest;
}

/** Opening is tried twice: a single error is over by then. */
async function play(folder: string, disk: BrokenDisk): Promise<Run> {
  const run: Run = [];
  for (const session of SESSIONS) {
    const store = (await open(folder, disk)) ?? (await open(folder, disk));
    if (store === undefined) break;
    for (const group of session) {
      run.push(...(await Promise.all(group.map(async (one) => [one, await store.append(one)] as const))));
    }
    await store.close();
  }
  return run;
}

/** What is wrong with what the next start finds, and with what it can do; undefined if nothing. */
async function compare(folder: string, run: Run, mayEndOpen: boolean): Promise<string | undefined> {
  const store = await open(folder);
  if (store === undefined) return 'it cannot be opened';
  const found = accountsIn(store);
  const isThere = possible(run, mayEndOpen).some((lines) => lines.join() === found.join());
  const appended = await store.append(change('zed', 9));
  await store.close();
  if (!isThere) return `${found.length} accounts that nobody was promised: ${found.join()}`;
  return appended === 'stored' ? undefined : `the next append is ${appended}`;
}

/** What was stored, and in front of a crash any number of the last changes whose fate is not known. */
function possible(run: Run, mayEndOpen: boolean): string[][] {
  const stored = run.filter(([, outcome]) => outcome === 'stored').map(([one]) => one);
  const lastStored = run.findLastIndex(([, outcome]) => outcome === 'stored');
  const unsure = run.slice(lastStored + 1).filter(([, outcome]) => outcome === 'storage_failed');
  const counts = mayEndOpen ? unsure.map((_, i) => i + 1) : [];
  return [0, ...counts].map((count) => fold([...stored, ...unsure.slice(0, count).map(([one]) => one)]));
}

async function open(folder: string, files?: BrokenDisk): Promise<AccountStore | undefined> {
  const opened = await openUsers(folder, { now: () => AT, ...(files === undefined ? {} : { files }) });
  return opened.type === 'open' ? opened.store : undefined;
}

function change(name: string, seed: number): AccountChange {
  return { name, hash: usualHash(`secret ${seed}`), at: AT };
}

function title({ code, isCrash = false, isCut }: Plan): string {
  const what = isCrash ? 'death at one operation' : `${code} of one operation`;
  return `users.txt: ${what}${isCut ? ', and a power cut' : ''}`;
}
