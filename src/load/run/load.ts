/** `parley load`: turns options into a run, and its result into output for people and programs. */

import { EXIT, type ExitCode } from '../../common/exit.ts';
import { readPasswordFile } from '../../common/password-file.ts';
import { VERSION } from '../../common/version.ts';
import { secret } from '../../protocol/arguments.ts';
import { checkPorts } from '../generator/source-addresses.ts';
import { adjust, type LoadOptions } from '../options.ts';
import { renderReport } from '../report/page.ts';
import { type Expectation, parseExpectation } from '../result/expect.ts';
import { faultsOf, isValid, type Result } from '../result/result.ts';
import { writeResult } from '../result/result-file.ts';
import { renderSummary } from '../result/summary.ts';
import { whyUnwritable, writeWhole } from '../result/whole-file.ts';
import { DEFAULT_PASSWORD } from '../scenario/account.ts';
import { accountsNeeded, type Scenario, whyAccounts } from '../scenario/scenario.ts';
import { findScenario } from '../scenario/scenario-file.ts';
import { defaultThreads, wireNamed } from '../wires/wires.ts';
import { environmentOf } from './environment.ts';
import { catchInterrupts } from './interrupts.ts';
import { checkOpenFiles } from './open-files.ts';
import { complain, print } from './output.ts';
import { startOwnServer } from './own-server.ts';
import { portOwnerOf } from './port-owner.ts';
import { Progress } from './progress.ts';
import { type LoadPlan, type RunOutcome, runLoad } from './run.ts';
import { readTarget, resolveLocalhost, type Target } from './target.ts';

export async function load(options: LoadOptions): Promise<ExitCode> {
  const prepared = prepareRun(options);
  if (prepared.type === 'refused') return refuse(prepared.text);
  const { plan } = prepared;
  for (const path of [options.json, options.html]) {
    // It is better to find out now than after an hour of measuring.
    const unwritable = path === undefined ? undefined : await whyUnwritable(path);
    if (unwritable === undefined) continue;
    complain(unwritable);
    return EXIT.failure;
  }
  const interrupts = catchInterrupts();
  const progress = new Progress(process.stderr);
  const ran = await runAgainst(plan, prepared.target, options, {
    signal: interrupts.signal,
    second: (second, left) => options.quiet || progress.show(second, left),
  }).finally(() => {
    progress.end();
    interrupts.release();
  });
  if (ran.type === 'failed') {
    complain(ran.text);
    return ran.exitCode;
  }
  return publish(ran.result, options);
}

/** The plan of a run whose server is not known yet. */
export type Draft = Omit<LoadPlan, 'endpoint' | 'pid' | 'server' | 'password'>;

type PreparedRun =
  | { readonly type: 'ready'; readonly plan: Draft; readonly target: Exclude<Target, { type: 'refused' }> }
  | { readonly type: 'refused'; readonly text: string };

/** Everything that can be checked before anything is started or connected. */
export function prepareRun(options: LoadOptions): PreparedRun {
  const found = findScenario(options.scenario);
  if (found.type === 'refused') return found;
  const adjusted = adjust(found.scenario, options);
  if (adjusted.type === 'refused') return adjusted;
  const { scenario } = adjusted;
  const target = readTarget(options);
  if (target.type === 'refused') return target;
  const wire = wireNamed(options.protocol);
  if (target.type === 'own' && wire.name !== 'parley') {
    return {
      type: 'refused',
      text: `--protocol ${wire.name} requires --server, because only a Parley server can be started for a run`,
    };
  }
  const why = whyAccounts(scenario);
  if (why !== undefined && !wire.resumes) {
    return {
      type: 'refused',
      text: `${scenario.name}: ${why}, but over ${wire.name} they do not receive what they missed, so lost messages cannot be counted`,
    };
  }
  const needed = accountsNeeded(scenario);
  if (why !== undefined && target.type === 'server' && options.accounts === undefined) {
    return {
      type: 'refused',
      text: `${scenario.name}: ${why}, which guests cannot. Prepare accounts with "parley load prepare --data DIR --users ${needed}", run a server on that folder, and add --accounts ${needed}`,
    };
  }
  if (options.accounts !== undefined && options.accounts < needed) {
    return { type: 'refused', text: `--accounts ${options.accounts} is too few: this run needs ${needed}` };
  }
  if (scenario.textBytes > wire.longestText) {
    return {
      type: 'refused',
      text: `a text of ${scenario.textBytes} bytes is too long for ${wire.name}, which allows at most ${wire.longestText}`,
    };
  }
  if (options.json !== undefined && options.json === options.html) {
    return {
      type: 'refused',
      text: '--json and --html name the same file, so one would overwrite the other',
    };
  }
  const expectations: Expectation[] = [];
  for (const text of options.expect) {
    const parsed = parseExpectation(text);
    if (parsed.type === 'malformed') return { type: 'refused', text: `--expect ${parsed.text}` };
    expectations.push(parsed.expectation);
  }
  const plan: Draft = {
    scenario,
    seed: options.seed ?? Math.floor(Math.random() * 1_000_000),
    threads: options.threads ?? defaultThreads(),
    wire: wire.name,
    environment: environmentOf(),
    expectations,
    abortOnFail: options.abortOnFail,
  };
  return { type: 'ready', plan, target };
}

/** Runs the draft against a running server, or against one that it starts. */
export async function runAgainst(
  draft: Draft,
  target: Exclude<Target, { type: 'refused' }>,
  options: Pick<LoadOptions, 'pid' | 'accounts' | 'passwordFile' | 'workers'>,
  events: Parameters<typeof runLoad>[1],
): Promise<RunOutcome> {
  if (target.type === 'own') return runOnOwnServer(draft, options.workers, events);
  const { host, port } = await resolveLocalhost(target.address);
  const pid = options.pid ?? portOwnerOf({ host, port });
  const shortage = checkLimits(draft, host, pid);
  if (shortage !== undefined) return { type: 'failed', exitCode: EXIT.failure, text: shortage };
  const password = options.accounts === undefined ? undefined : passwordOf(options.passwordFile);
  if (password?.type === 'refused') return { type: 'failed', exitCode: EXIT.usage, text: password.text };
  const server: Result['server'] = {
    address: host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`,
    protocol: draft.wire,
    name: '',
    isOwn: false,
  };
  return runLoad({ ...draft, endpoint: { host, port }, pid, password: password?.password, server }, events);
}

async function runOnOwnServer(
  draft: Draft,
  workers: number | undefined,
  events: Parameters<typeof runLoad>[1],
): Promise<RunOutcome> {
  const shortage = checkLimits(draft, '127.0.0.1', undefined);
  if (shortage !== undefined) return { type: 'failed', exitCode: EXIT.failure, text: shortage };
  const { scenario } = draft;
  // If the run tests logins, they must cost as much as in production.
  const cost = scenario.visitorsPerSecond > 0 ? 'usual' : 'cheap';
  const started = await startOwnServer({ workers, accounts: accountsNeeded(scenario), cost });
  if (started.type === 'failed') return { type: 'failed', exitCode: EXIT.failure, text: started.text };
  const own = started.server;
  try {
    const { host, port } = own.address;
    const server = {
      address: `${host}:${port}`,
      protocol: draft.wire,
      name: `parley ${VERSION}`,
      isOwn: true,
    };
    const plan = { ...draft, endpoint: { host, port }, pid: own.pid, password: DEFAULT_PASSWORD, server };
    return await runLoad(plan, events);
  } finally {
    await own.stop();
  }
}

/** Says why the run cannot have that many connections at a time; undefined if it can. */
function checkLimits(
  { scenario, threads }: Draft,
  host: string,
  serverPid: number | undefined,
): string | undefined {
  const connections = peakConnections(scenario);
  const files = checkOpenFiles({ connections, threads, serverPid });
  if (files.type === 'too_few') return files.text;
  const ports = checkPorts(host, connections);
  return ports.type === 'too_few' ? ports.text : undefined;
}

/** Counts ten seconds' worth of visitors: they stay for a second, and some are still logging in. */
function peakConnections({ users, idle, visitorsPerSecond }: Scenario): number {
  return users + idle + Math.ceil(visitorsPerSecond * 10);
}

function passwordOf(
  file: string | undefined,
):
  | { readonly type: 'read'; readonly password: string }
  | { readonly type: 'refused'; readonly text: string } {
  if (file === undefined) return { type: 'read', password: DEFAULT_PASSWORD };
  const read = readPasswordFile(file, secret);
  return read.type === 'refused' ? read : { type: 'read', password: read.password };
}

/** Prints the summary and writes the files. */
async function publish(result: Result, { json, html }: LoadOptions): Promise<ExitCode> {
  const written = [
    await print(renderSummary(result, { color: process.stdout.hasColors?.() ?? false })),
    ...(json === undefined ? [] : [await writeResult(json, result)]),
    ...(html === undefined ? [] : [await writeWhole(html, renderReport(result))]),
  ];
  const exitCode = exitCodeOf(result);
  const problems = written.flatMap((one) => ('text' in one ? [one.text] : []));
  for (const text of problems) complain(text);
  if (problems.length === 0) return exitCode;
  return exitCode === EXIT.ok || exitCode === EXIT.invalid ? EXIT.failure : exitCode;
}

/** The worst problem decides. */
export function exitCodeOf(result: Result): ExitCode {
  if (result.ended === 'server_gone') return EXIT.unavailable;
  if (faultsOf(result) > 0) return EXIT.failure;
  // An aborted run missed a threshold, even if it was met again once the last messages had arrived.
  const isMissed = result.ended === 'aborted' || result.expectations.some(({ isMet }) => isMet === false);
  if (isMissed) return EXIT.threshold;
  if (result.ended === 'interrupted') return EXIT.interrupted;
  return isValid(result) ? EXIT.ok : EXIT.invalid;
}

function refuse(text: string): ExitCode {
  complain(text);
  return EXIT.usage;
}
