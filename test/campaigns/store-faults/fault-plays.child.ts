/**
 * Runs one store on a `FaultyDisk` whose n-th operation fails, for every n. Prints the result as one line of
 * JSON.
 */

import { copyFileSync, mkdirSync, readdirSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startRandom } from '../../support/random.ts';
import { Findings } from '../campaign.ts';
import { DiskModel } from '../disk/disk-model.ts';
import { CHANGES, type Fault, FaultyDisk, OPERATION } from '../disk/faulty-disk.ts';
import { describe, type FaultPlay, PLAY_KINDS, type PlayOptions } from './fault-play.ts';
import { LOG_KINDS, LogFaultPlay } from './log-fault-play.ts';
import { TokensFaultPlay } from './tokens-fault-play.ts';

const PLAYS = {
  'chat.db': (options: PlayOptions) => new LogFaultPlay(options),
  'tokens.db': (options: PlayOptions) => new TokensFaultPlay(options),
} as const;

/** One failure; enough that reopening fails too; and all further operations, as at a power cut. */
const IN_A_ROW = [1, 30, Number.MAX_SAFE_INTEGER];

interface Plan extends Pick<Fault, 'code' | 'kinds'> {
  /** How many operations fail, from the n-th on. */
  readonly count: number;
  readonly isShared: boolean;
  /** Whether the process dies at the end of the step. */
  readonly dies: boolean;
}

const { values } = parseArgs({
  options: {
    file: { type: 'string', default: '' },
    folder: { type: 'string', default: '' },
    stride: { type: 'string', default: '1' },
    seed: { type: 'string', default: '1' },
  },
});
const { file, folder } = values;
const stride = Number(values.stride);
const journal = process.env.FAULTY_DISK_JOURNAL ?? '';
const disk = FaultyDisk.own();
const counts = { faults: 0, failures: 0, cuts: 0 };
/** The first finding of each kind, as `kind: detail`. */
const broken: string[] = [];
let runs = 0;

async function playAll(): Promise<Record<string, number>> {
  const largest: Record<string, number> = {};
  for (const plan of plans()) {
    for (let at = 1 + (Number(values.seed) % stride); ; at += stride) {
      const findings = new Findings(...PLAY_KINDS, ...LOG_KINDS);
      const failures = await playOnce(plan, at, findings);
      for (const [kind, count] of Object.entries(findings.counts())) {
        const first = findings.list().find((line) => line.startsWith(`${kind}: `));
        if (first !== undefined) broken.push(`${kind}: ${title(plan)}, n = ${at}, ${count} times, ${first}`);
      }
      if (failures === 0) {
        largest[title(plan)] = at - stride;
        break;
      }
      counts.faults += 1;
      counts.failures += failures;
    }
  }
  return largest;
}

function* plans(): Generator<Plan> {
  for (const isShared of file === 'chat.db' ? [true, false] : [false]) {
    for (const code of ['EIO', 'ENOSPC'] as const) {
      for (const count of IN_A_ROW) yield { code, kinds: CHANGES, count, isShared, dies: false };
    }
    yield { code: 'EIO', kinds: OPERATION.read, count: 1, isShared, dies: false };
    yield { code: 'EIO', kinds: CHANGES, count: 1, isShared, dies: true };
  }
}

/** Returns how many operations failed. */
async function playOnce(plan: Plan, at: number, findings: Findings): Promise<number> {
  rmSync(folder, { recursive: true, force: true });
  // A new folder each time: a connection that an earlier script could not close must not find its files here.
  runs += 1;
  const data = join(folder, `data-${runs}`);
  mkdirSync(data, { recursive: true, mode: 0o700 });
  truncateSync(journal);
  const model = new DiskModel(journal);
  const options = { data, isShared: plan.isShared, mayNotRead: plan.kinds === OPERATION.read, findings };
  if (!isFile(file)) throw new Error(`there is no script for ${file}`);
  let play: FaultPlay = PLAYS[file](options);
  disk.fail({ ...plan, first: at, last: Math.min(at + plan.count - 1, Number.MAX_SAFE_INTEGER) });
  let isCut = false;
  for (const step of play.steps) {
    const { acknowledged } = play;
    const { failures } = disk;
    await trying(findings, step);
    if (plan.dies && disk.failures > 0) {
      play = die(play, model);
      break;
    }
    // What is acknowledged after a failure must not depend on what the failure left behind.
    if (isCut || failures === 0 || play.acknowledged === acknowledged) continue;
    isCut = true;
    cutPower(model, play, findings, 'power cut', at);
  }
  const { failures } = disk;
  if (failures > 0) cutPower(model, play, findings, 'power cut while it fails', at);
  disk.heal();
  await trying(findings, () => play.settle());
  cutPower(model, play, findings, 'power cut at the end', at);
  await trying(findings, () => play.check());
  model.close();
  return failures;
}

/** An exception would end the thread in the server. */
async function trying(findings: Findings, work: () => unknown): Promise<void> {
  try {
    await work();
  } catch (error) {
    findings.report('died', describe(error));
  }
}

/** The next process finds what is in the kernel's cache, not what is on the disk. */
function die(play: FaultPlay, model: DiskModel): FaultPlay {
  const data = join(folder, `next-${runs}`);
  model.catchUp();
  mkdirSync(data);
  for (const name of readdirSync(play.data)) {
    if (!name.endsWith('-shm')) copyFileSync(join(play.data, name), join(data, name));
  }
  model.skip();
  model.fork(play.data, data);
  play.close();
  return play.next(data);
}

function cutPower(model: DiskModel, play: FaultPlay, findings: Findings, when: string, seed: number): void {
  for (const pick of [undefined, startRandom(seed)]) {
    // Outside the folder of the failing disk.
    const left = `${folder}-left`;
    rmSync(left, { recursive: true, force: true });
    model.cut(play.data, left, pick);
    const what = `${when}, ${pick === undefined ? 'nothing' : 'some'} written back`;
    try {
      play.checkLeft(left, what);
    } catch (error) {
      findings.report('damaged', `${what}: ${describe(error)}`);
    }
    counts.cuts += 1;
  }
}

function title({ code, kinds, count, isShared, dies }: Plan): string {
  const kind = kinds === OPERATION.read ? 'read' : 'change';
  const often = count === Number.MAX_SAFE_INTEGER ? 'all' : String(count);
  const what = count === 1 ? `one ${kind}` : `${often} ${kind}s from there on`;
  return `${file}: ${code} of ${what}${isShared ? ', with the archive' : ''}${dies ? ', and death' : ''}`;
}

function isFile(name: string): name is keyof typeof PLAYS {
  return name in PLAYS;
}

const largest = await playAll();
process.stdout.write(`${JSON.stringify({ largest, counts, broken })}\n`);
