/**
 * `parley load capacity`: how many users a server carries. The number of users is doubled until a threshold is missed, then the gap is
 * halved. What is found is told in a sentence, with what was in the way.
 */

import { totalmem } from 'node:os';
import { formatAddress } from '../client/address.ts';
import { EXIT, type ExitCode } from '../exit.ts';
import { describeOutcome } from './expect.ts';
import { formatCount } from './format.ts';
import { type Draft, prepareRun, runAgainst } from './load.ts';
import { checkOpenFiles } from './open-files.ts';
import type { LoadOptions } from './options.ts';
import { startOwnServer } from './own-server.ts';
import { Progress } from './progress.ts';
import { faultsOf, type Result } from './result.ts';
import type { Ran } from './run.ts';
import { accountsNeeded, type Scenario, whyAccounts } from './scenario.ts';
import type { Target } from './target.ts';
import { writeWhole } from './whole-file.ts';

/** Where the user gives none. */
const USUAL_EXPECTATION = 'p99<100ms';
const FIRST_USERS = 250;
/** The answer is this near to where it breaks. */
const NEAR_ENOUGH = 1.12;
/** Users that come in each second of a step's ramp. */
const COMING_A_SECOND = 1_000;
const WARM_UP_SECONDS = 2;
const STEP_SECONDS = 6;
/** Of a thread's time, of all cores, and of the machine's memory, from which on it is what is in the way. */
const THREAD_FULL = 0.9;
const CORES_FULL = 0.9;
const MEMORY_FULL = 0.85;

export interface Step {
  readonly users: number;
  readonly result: Result | undefined;
  /** Why it did not go well; undefined if it did. */
  readonly limit: string | undefined;
}

type Outcome = { readonly type: 'steps'; readonly steps: readonly Step[] } | { readonly type: 'interrupted' };
type Server = Exclude<Target, { readonly type: 'refused' | 'own' }>;

export async function capacity(options: LoadOptions): Promise<ExitCode> {
  const expect = options.expect.length === 0 ? [USUAL_EXPECTATION] : options.expect;
  const prepared = prepareRun({ ...options, expect });
  if (prepared.type === 'refused') return refuse(prepared.text, EXIT.usage);
  const { plan, target } = prepared;
  if (plan.scenario.talk?.loop !== 'open') {
    return refuse(
      'capacity raises the number of users who write now and then: that is an open loop',
      EXIT.usage,
    );
  }
  if (target.type !== 'own') return find(plan, target, options);
  const most = mostUsers(plan, undefined);
  const accounts =
    whyAccounts(plan.scenario) === undefined ? 0 : accountsNeeded({ ...plan.scenario, users: most });
  const own = await startOwnServer({ workers: options.workers, accounts });
  if (own.type === 'failed') return refuse(own.text, EXIT.failure);
  try {
    const { address, pid } = own.server;
    const given = { ...options, pid, accounts: accounts === 0 ? undefined : accounts };
    return await find(plan, { type: 'server', address, isLoopback: true }, given);
  } finally {
    await own.server.stop();
  }
}

async function find(plan: Draft, target: Server, options: LoadOptions): Promise<ExitCode> {
  const interrupted = new AbortController();
  const obey = (): void => interrupted.abort();
  process.once('SIGINT', obey).once('SIGTERM', obey);
  const progress = new Progress(process.stderr);
  let impossible: Extract<Ran, { readonly type: 'failed' }> | undefined;
  let isCarried = false;
  const step = async (users: number): Promise<Step> => {
    const scenario = stepOf(plan.scenario, users);
    const run = (): Promise<Ran> =>
      runAgainst({ ...plan, scenario }, target, options, {
        signal: interrupted.signal,
        second: (second, left) => options.quiet || progress.show(second, left),
      });
    const first = await run();
    // It may have been a moment in which the machine had something else to do.
    const ran =
      first.type === 'ran' && isDisturbed(first.result) && !interrupted.signal.aborted ? await run() : first;
    const result = ran.type === 'ran' ? ran.result : undefined;
    const taken = { users, result, limit: ran.type === 'failed' ? ran.text : limitOf(ran.result) };
    if (!options.quiet) progress.note(describeStep(taken));
    // Where nobody at all could come in, the number of users is not what is in the way.
    if (ran.type === 'failed' && !isCarried) {
      impossible = ran;
      interrupted.abort();
    }
    isCarried ||= taken.limit === undefined;
    return taken;
  };
  const outcome = await search(step, mostUsers(plan, options.pid), interrupted.signal);
  progress.end();
  process.off('SIGINT', obey).off('SIGTERM', obey);
  if (impossible !== undefined) return refuse(impossible.text, impossible.exitCode);
  if (outcome.type === 'interrupted') return EXIT.interrupted;
  const answer = describeAnswer(plan.scenario, outcome.steps, formatAddress(target.address));
  console.log(answer);
  if (options.json === undefined) return EXIT.ok;
  const written = await writeWhole(
    options.json,
    `${JSON.stringify({ format: 'parley-capacity', version: 1, answer, ...outcome }, undefined, 2)}\n`,
  );
  return written.type === 'written' ? EXIT.ok : refuse(written.text, EXIT.failure);
}

/** Doubles, then halves the gap. The last step that went well, and the first that did not, are among the steps. */
export async function search(
  step: (users: number) => Promise<Step>,
  most: number,
  signal: AbortSignal,
): Promise<Outcome> {
  const steps: Step[] = [];
  let good = 0;
  let bad = Number.POSITIVE_INFINITY;
  for (let users = Math.min(FIRST_USERS, most); !signal.aborted; ) {
    const taken = await step(users);
    if (signal.aborted) break;
    steps.push(taken);
    if (taken.limit === undefined) good = Math.max(good, users);
    else bad = Math.min(bad, users);
    const isNear = bad <= Math.max(2, good + 1, good * NEAR_ENOUGH);
    if (isNear || good >= most || taken.result?.ended === 'server_gone') return { type: 'steps', steps };
    users = bad === Number.POSITIVE_INFINITY ? Math.min(most, users * 2) : Math.round((good + bad) / 2);
  }
  return { type: 'interrupted' };
}

/** As many as files can be opened for. */
function mostUsers({ scenario, threads }: Draft, serverPid: number | undefined): number {
  const others = scenario.idle + Math.ceil(scenario.visitorsPerSecond * 10);
  let [enough, tooMany] = [1, 1_000_000];
  while (tooMany - enough > 1) {
    const users = Math.floor((enough + tooMany) / 2);
    const isEnough = checkOpenFiles({ connections: users + others, threads, serverPid }).type === 'enough';
    if (isEnough) enough = users;
    else tooMany = users;
  }
  return enough;
}

function stepOf(scenario: Scenario, users: number): Scenario {
  return {
    ...scenario,
    users,
    phases: [
      { kind: 'ramp', seconds: Math.max(1, users / COMING_A_SECOND), rate: 1 },
      { kind: 'warm_up', seconds: WARM_UP_SECONDS, rate: 1 },
      { kind: 'steady', seconds: STEP_SECONDS, rate: 1 },
    ],
  };
}

/** What stood in the way; undefined if nothing did. */
export function limitOf(result: Result): string | undefined {
  const missed = result.expectations.filter(({ isMet }) => !isMet);
  if (result.ended === 'server_gone') return 'the server went away';
  if (faultsOf(result) > 0)
    return `messages got lost or came twice (${result.correctness.examples[0] ?? ''})`;
  if (result.figures.connections < result.scenario.users) return 'the server did not let everybody in';
  if (missed.length === 0 && result.invalid.length === 0) return undefined;
  const [first] = missed;
  if (first?.value === null) return 'nothing was measured';
  const what = first === undefined ? 'the generator does not keep up' : `it is ${describeOutcome(first)}`;
  return `${what}: ${whyFull(result)}`;
}

/** Nothing but the generator was in the way. */
function isDisturbed(result: Result): boolean {
  return limitOf({ ...result, invalid: [] }) === undefined && result.invalid.length > 0;
}

function whyFull({ usage, generator, environment, invalid, figures }: Result): string {
  const seconds = Math.max(1, figures.seconds);
  const busy = ((usage?.cpuSeconds ?? 0) + generator.cpuSeconds) / seconds / environment.cores;
  if (usage !== null && usage.busiestThread.share >= THREAD_FULL) {
    return `the server’s thread ${usage.busiestThread.name} is at work for ${percent(usage.busiestThread.share)} of the time`;
  }
  if (usage !== null && usage.bytesMost > totalmem() * MEMORY_FULL) return 'the machine’s memory is full';
  if (busy >= CORES_FULL) {
    return `all ${environment.cores} cores are busy, which the server (${percent((usage?.cpuSeconds ?? 0) / seconds)} of one) and this program (${percent(generator.cpuSeconds / seconds)} of one) share`;
  }
  if (invalid[0] !== undefined) return invalid[0];
  return 'neither a thread of the server nor the machine is full; the disk may be what is slow';
}

function describeStep({ users, result, limit }: Step): string {
  const p99 = result?.latency.deliver?.p99;
  const rate =
    result === undefined ? '' : `, ${formatCount(Math.round(result.figures.deliveredRate))} deliveries/s`;
  const told = p99 === undefined ? '' : `: p99 ${p99.toFixed(1)} ms${rate}`;
  return `${formatCount(users)} users${told}${limit === undefined ? '' : ` – ${limit}`}`;
}

export function describeAnswer(scenario: Scenario, steps: readonly Step[], server: string): string {
  const good = steps.filter(({ limit }) => limit === undefined).toSorted((a, b) => b.users - a.users)[0];
  const bad = steps.filter(({ limit }) => limit !== undefined).toSorted((a, b) => a.users - b.users)[0];
  const habits = describeHabits(scenario);
  if (good === undefined)
    return `The server at ${server} does not carry ${formatCount(bad?.users ?? 0)} users ${habits}: ${bad?.limit ?? ''}.`;
  const rate = good.result?.figures;
  const load =
    rate === undefined
      ? ''
      : ` (${formatCount(Math.round(rate.sentRate))} messages, ${formatCount(Math.round(rate.deliveredRate))} deliveries a second)`;
  const end =
    bad === undefined
      ? 'More were not tried: neither this program nor the server may have more files open (see "ulimit -n")'
      : `With ${formatCount(bad.users)}, ${bad.limit}`;
  return `The server at ${server} carries about ${formatCount(good.users)} users ${habits}${load}. ${end}.`;
}

function describeHabits({ talk, groups }: Scenario): string {
  const writes =
    talk?.loop === 'open' ? `who each write ${formatCount(talk.perUserPerMinute)} messages a minute` : '';
  const where = groups.map((group) =>
    group.kind === 'pairs' ? 'to one other' : `in rooms of ${formatCount(group.size)}`,
  );
  return `${writes} ${where.join(' and ')}`.trim();
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

function refuse(text: string, exitCode: ExitCode): ExitCode {
  console.error(`parley: ${text}`);
  return exitCode;
}
