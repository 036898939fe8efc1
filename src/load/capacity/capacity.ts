/** `parley load capacity`: finds out how many users a server carries, and answers in a sentence that names the bottleneck. */

import { formatAddress } from '../../common/address.ts';
import { EXIT, type ExitCode } from '../../common/exit.ts';
import type { LoadOptions } from '../options.ts';
import { whyUnwritable, writeWhole } from '../result/whole-file.ts';
import { catchInterrupts } from '../run/interrupts.ts';
import { type Draft, prepareRun, runAgainst } from '../run/load.ts';
import { checkOpenFiles } from '../run/open-files.ts';
import { answer, complain } from '../run/output.ts';
import { startOwnServer } from '../run/own-server.ts';
import { Progress } from '../run/progress.ts';
import type { RunOutcome } from '../run/run.ts';
import type { Target } from '../run/target.ts';
import { accountsNeeded, whyAccounts } from '../scenario/scenario.ts';
import { answerOf, describeStep } from './answer.ts';
import { search, takeStep } from './search.ts';
import { findingOf, type Step, stepOf } from './step.ts';

/** The threshold if the user gives none. */
const DEFAULT_EXPECTATION = 'p99<100ms';
const FIRST_USERS = 250;
const STEP_SECONDS = 6;

type Server = Exclude<Target, { readonly type: 'refused' | 'own' }>;

export async function capacity(options: LoadOptions): Promise<ExitCode> {
  const expect = options.expect.length === 0 ? [DEFAULT_EXPECTATION] : options.expect;
  const prepared = prepareRun({ ...options, expect });
  if (prepared.type === 'refused') return refuse(prepared.text, EXIT.usage);
  const { plan, target } = prepared;
  if (plan.scenario.talk?.loop !== 'open') {
    return refuse(
      'capacity raises the number of users at a fixed rate each, which takes an open loop: leave out --closed, or use a scenario with an open loop',
      EXIT.usage,
    );
  }
  const unwritable = options.json === undefined ? undefined : await whyUnwritable(options.json);
  if (unwritable !== undefined) return refuse(unwritable, EXIT.failure);
  if (target.type !== 'own') return findCapacity(plan, target, options);
  const most = mostUsers(plan, undefined);
  const accounts =
    whyAccounts(plan.scenario) === undefined ? 0 : accountsNeeded({ ...plan.scenario, users: most });
  const own = await startOwnServer({ workers: options.workers, accounts });
  if (own.type === 'failed') return refuse(own.text, EXIT.failure);
  try {
    const { address, pid } = own.server;
    const given = { ...options, pid, accounts: accounts === 0 ? undefined : accounts };
    return await findCapacity(plan, { type: 'server', address, isLoopback: true }, given);
  } finally {
    await own.server.stop();
  }
}

async function findCapacity(plan: Draft, target: Server, options: LoadOptions): Promise<ExitCode> {
  const interrupts = catchInterrupts();
  const { signal } = interrupts;
  const progress = new Progress(process.stderr);
  const note = (text: string): void => {
    if (!options.quiet) progress.note(text);
  };
  let impossible: Extract<RunOutcome, { readonly type: 'failed' }> | undefined;
  let isCarried = false;
  const take = async (users: number): Promise<Step> => {
    const scenario = stepOf(plan.scenario, users, options.seconds ?? STEP_SECONDS);
    const ran = await runAgainst({ ...plan, scenario }, target, options, {
      signal,
      second: (second, left) => options.quiet || progress.show(second, left),
    });
    if (ran.type === 'ran') return { users, result: ran.result, finding: findingOf(ran.result) };
    // If nobody could log in in any step, the number of users is not the problem.
    if (!isCarried) {
      impossible = ran;
      interrupts.interrupt();
    }
    return { users, result: undefined, finding: { type: 'not_carried', why: ran.text } };
  };
  const step = async (users: number): Promise<Step> => {
    const pause = (ms: number, { finding }: Step): Promise<void> => {
      note(`${finding.type === 'carried' ? '' : finding.why}; retrying ${users} users in ${ms / 1_000} s`);
      return interrupts.pause(ms);
    };
    const taken = await takeStep(() => take(users), pause, signal);
    note(describeStep(taken));
    isCarried ||= taken.finding.type === 'carried';
    return taken;
  };
  const first = options.users ?? FIRST_USERS;
  const searched = await search(step, first, mostUsers(plan, options.pid), signal);
  progress.end();
  interrupts.release();
  if (impossible !== undefined) return refuse(impossible.text, impossible.exitCode);
  if (searched.type === 'interrupted') return EXIT.interrupted;
  const found = answerOf(plan.scenario, searched.steps, formatAddress(target.address));
  const exitCode = await answer(`${found.text}\n`, found.exitCode);
  if (options.json === undefined) return exitCode;
  const written = await writeWhole(
    options.json,
    `${JSON.stringify({ format: 'parley-capacity', version: 1, answer: found.text, ...searched }, undefined, 2)}\n`,
  );
  return written.type === 'written' ? exitCode : refuse(written.text, EXIT.failure);
}

/** The most users that the limit on open files allows. */
function mostUsers({ scenario, threads }: Draft, serverPid: number | undefined): number {
  const others = scenario.idle + Math.ceil(scenario.visitorsPerSecond * 10);
  let [enough, tooMany] = [2, 1_000_000];
  while (tooMany - enough > 1) {
    const users = Math.floor((enough + tooMany) / 2);
    const isEnough = checkOpenFiles({ connections: users + others, threads, serverPid }).type === 'enough';
    if (isEnough) enough = users;
    else tooMany = users;
  }
  return enough;
}

function refuse(text: string, exitCode: ExitCode): ExitCode {
  complain(text);
  return exitCode;
}
