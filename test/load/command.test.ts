/** `parley load` as people and scripts run it. */

import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { LoadOptions } from '../../src/load/options.ts';
import { prepareRun } from '../../src/load/run/load.ts';
import { SCENARIOS } from '../../src/load/scenario/scenarios.ts';
import { testFolder } from '../support/folder.ts';
import { closedPort, listen } from '../support/listen.ts';
import { runProcess } from '../support/process.ts';
import { PARLEY } from '../support/server.ts';
import { startRelay } from './honesty/relay.ts';
import { goodCode, ROOMS, scenarioFile, startLoad, TRIAL_MS, type Trial, tryOut } from './honesty/trial.ts';

const folder = testFolder();

interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function load(...args: readonly string[]): Promise<Ran> {
  const program = startLoad(args);
  const { code } = await program.exit(TRIAL_MS);
  return { code, stdout: program.stdout(), stderr: program.stderr() };
}

/** A server that only counts connections. */
async function startCountingServer(): Promise<{ readonly port: number; readonly heard: () => number }> {
  let heard = 0;
  const server = createServer((socket) => {
    heard += 1;
    socket.on('error', () => {});
  });
  onTestFinished(() => void server.close());
  return { port: await listen(server), heard: () => heard };
}

const SHORT = { ...ROOMS, phases: [{ kind: 'steady' as const, seconds: 1 }] };

describe.concurrent('an invalid command line is reported with exit code 2', () => {
  it.each([
    [['chrun'], /there is no scenario chrun\. Did you mean churn\?/],
    [['--rte', '5'], /unknown option '--rte'[\s\S]*Did you mean --rate\?/],
    [['--users', 'many'], /--users.*Expected a whole number from 1 to 1000000/],
    [['--users', '0'], /--users.*Expected a whole number from 1 to 1000000/],
    [['--rate', '0'], /--rate.*Expected a number from 0\.001/],
    [['--seconds', '0'], /--seconds.*Expected a number from 0\.1/],
    [['--protocol', 'ircc'], /irc/],
    [['--server', '127.0.0.1:1', '--accounts', '200', '--password-file', 'nowhere'], /nowhere/],
    [['capacity', '--closed', '5'], /takes an open loop/],
    [['capacity', 'nothing'], /there is no scenario nothing/],
    [['show', 'rom'], /Did you mean rooms\?/],
    [['compare', 'a.json', 'b.json'], /cannot read a\.json/],
  ])('%j', async (args, why) => {
    const { code, stdout, stderr } = await load(...args);
    expect(stderr).toMatch(why);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).not.toMatch(/^ +at /m);
  });

  // These are refused before anything starts, in the same way as the first one above, so they need no process.
  it.each<[Partial<LoadOptions>, RegExp]>([
    [{ scenario: 'nothing.json' }, /cannot read nothing\.json/],
    [{ users: 1 }, /users: a single user has nobody to write to/],
    [{ json: 'same', html: 'same' }, /--json and --html name the same file/],
    [{ rate: 5, closed: 5 }, /--rate and --closed exclude each other/],
    [{ expect: ['p98<5ms'] }, /--expect "p98<5ms", at character 1: .*did you mean p9/],
    [{ protocol: 'irc' }, /--protocol irc requires --server/],
    [{ server: '127.0.0.1:1', scenario: 'churn' }, /parley load prepare --data DIR --users 200/],
    [{ server: '127.0.0.1:1', accounts: 5 }, /--accounts 5 is too few: this run needs 200/],
  ])('%j', (given, why) => {
    const usual = { scenario: 'rooms', protocol: 'parley', expect: [], abortOnFail: false, quiet: true };
    expect(prepareRun({ ...usual, ...given })).toEqual({ type: 'refused', text: expect.stringMatching(why) });
  });
});

describe('the host to load', () => {
  // TEST-NET-1 of RFC 5737 belongs to nobody, so packets sent there by mistake do no harm.
  it('may not be another machine without confirmation', async () => {
    const { code, stderr } = await load('--server', '192.0.2.1:4040');
    expect(code).toBe(2);
    expect(stderr).toContain('nothing was sent');
    expect(stderr).toContain('--i-may-load 192.0.2.1');
  });

  it('is not contacted if anything else is wrong', async () => {
    const ear = await startCountingServer();
    for (const wrong of [['--expect', 'p98<1ms'], ['--users', 'x'], ['--accounts', '1'], ['nothing.json']]) {
      expect((await load('--server', `127.0.0.1:${ear.port}`, ...wrong)).code).toBe(2);
    }
    expect(ear.heard()).toBe(0);
  });
});

describe.concurrent('a run that is impossible', () => {
  it.each([[[]], [['capacity']]])('%j: no server', async (words) => {
    const free = await closedPort();
    const began = performance.now();
    const { code, stderr } = await load(...words, '--server', `127.0.0.1:${free}`, '--quiet');
    expect(stderr).toMatch(
      new RegExp(
        `^parley: nobody could log in at 127.0.0.1:${free}: connect: ECONNREFUSED. Check that a server`,
      ),
    );
    expect(code).toBe(69);
    expect(performance.now() - began).toBeLessThan(15_000);
  });

  it('a server that speaks another protocol', async ({ onTestFinished }) => {
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.end('220 mail.example ESMTP\r\n');
    });
    onTestFinished(() => void server.close());
    const port = await listen(server);
    const { code, stderr } = await load('--server', `127.0.0.1:${port}`, '--quiet');
    expect([code, stderr]).toEqual([69, expect.stringContaining('closed: the server sent an invalid frame')]);
  });

  it.runIf(process.platform === 'linux')('too few open files: says how many are needed', async () => {
    const command = `ulimit -n 200; exec "${process.execPath}" "${PARLEY}" load rooms --users 500`;
    const program = runProcess('sh', ['-c', command]);
    const { code } = await program.exit();
    expect(code).toBe(1);
    expect(program.stderr()).toMatch(
      /^parley: this process needs 756 open files for this run, but its limit is 200/,
    );
    expect(program.stderr()).toContain('ulimit -n 756');
  });
});

describe.concurrent('thresholds', () => {
  /** What came of each; on a machine that is busy with something else, nothing. */
  function expectJudged({ code, result }: Trial, wantedCode: number, ...wanted: readonly boolean[]): void {
    const isJudged = result.invalid.length === 0;
    const outcomes = result.expectations.map(({ isMet }) => isMet);
    expect([code, outcomes]).toEqual(isJudged ? [wantedCode, wanted] : [75, wanted.map(() => null)]);
  }

  it('may be missed or met', async () => {
    const [met, missed, lost] = await Promise.all([
      tryOut(folder, {}, SHORT, ['--expect', 'lost==0', '--expect', 'p50<5s']),
      tryOut(folder, {}, SHORT, ['--expect', 'p50<1us', '--expect', 'lost==0']),
      tryOut(folder, { loseEvery: 100 }, SHORT, ['--expect', 'p50<1us']),
    ]);
    expectJudged(met, 0, true, true);
    expectJudged(missed, 99, false, true);
    if (missed.code === 99) expect(missed.stdout).toMatch(/1\sof\s2\sthresholds\smissed:\sp50<1us\./);
    // What is lost is worse.
    expect(lost.code).toBe(1);
  });

  it('end a run early on request', async () => {
    const long = { ...ROOMS, phases: [{ kind: 'steady' as const, seconds: 12 }] };
    const trial = await tryOut(folder, {}, long, ['--expect', 'p50<1us', '--abort-on-fail']);
    expectJudged(trial, 99, false);
    if (trial.code === 75) return;
    expect(trial.result.ended).toBe('aborted');
    expect(trial.result.figures.seconds).toBeLessThan(11);
    expect(trial.stdout).toMatch(/^Aborted after/);
  });
});

describe.concurrent('results', () => {
  it('list, show, and a run of the shown scenario', async () => {
    const list = await load('list');
    expect(list.stdout.match(/^\w+/gm)).toEqual([...SCENARIOS.keys()]);
    const shown = await load('show', 'rooms');
    const file = join(folder, 'shown.json');
    writeFileSync(file, shown.stdout);
    const json = join(folder, 'shown-result.json');
    const relay = await startRelay();
    const words = `${file} --server ${relay.address} --seconds 1 --users 30 --json ${json} --quiet`;
    const run = await load(...words.split(' '));
    relay.stop();
    expect([run.code, run.stderr]).toEqual([/^Not a valid/.test(run.stdout) ? 75 : 0, '']);
    expect(run.stdout).toMatch(/^(Not a valid measurement of the server\. )?30 users, /);
    expect(JSON.parse(readFileSync(json, 'utf8'))).toMatchObject({ scenario: { name: 'rooms', users: 30 } });
  });

  it('of the same seed have the same conversations and number of messages, and can be compared', async () => {
    const [first, again, other] = await Promise.all([
      tryOut(folder, {}, SHORT),
      tryOut(folder, {}, SHORT),
      tryOut(folder, {}, SHORT, ['--seed', '8']),
    ]);
    // Run and time differ; conversation, writer and number do not, in the order in which they were due.
    const tellings = ({ counted }: Trial): string[] =>
      counted.texts.toSorted((a, b) => (a.slice(25) < b.slice(25) ? -1 : 1)).map((text) => text.slice(7, 24));
    // A busy machine makes a second longer or shorter: all that was due in both, but for the last few.
    const [one, two, three] = [tellings(first), tellings(again), tellings(other)];
    const common = Math.min(one.length, two.length, three.length) - 50;
    expect(common).toBeGreaterThan(300);
    expect(two.slice(0, common)).toEqual(one.slice(0, common));
    expect(three.slice(0, common)).not.toEqual(one.slice(0, common));

    const files = [first, again].map(({ result }, index) => {
      const file = join(folder, `compared-${index}.json`);
      writeFileSync(file, JSON.stringify(result));
      return file;
    });
    const compared = await load('compare', ...files);
    expect(compared.code).toBe(Math.max(goodCode(first.result), goodCode(again.result)));
    expect(compared.stdout).toContain('p99');
  });

  it('report progress, in a pipe as one line per second', async () => {
    const began = performance.now();
    const { stderr, result } = await tryOut(folder, {});
    const seconds = (performance.now() - began) / 1_000;
    const lines = stderr.split('\n').filter((line) => line !== '');
    expect(lines.length).toBeGreaterThan(2);
    // One more at the end of each phase, which need not be whole seconds.
    expect(lines.length).toBeLessThanOrEqual(seconds + 3);
    expect(lines.length).toBe(result.series.length);
    for (const line of lines) expect(line).toMatch(/^(ramp|steady|drain) {2}\d+ s left {2}\d+ connected {2}/);
  });
});

describe.runIf(process.platform === 'linux').concurrent('capacity', () => {
  const pairs = {
    users: 2,
    groups: [{ kind: 'pairs' as const }],
    talk: { loop: 'open' as const, perUserPerMinute: 240 },
    phases: [{ kind: 'steady' as const, seconds: 1 }],
  };

  it('a server with limited capacity', { timeout: 3 * TRIAL_MS }, async () => {
    // From 3 people on it can do 5 messages a second, and they write 12. As many files may be open as 4 need: 4 are tried
    // first, then 2, then 3.
    const relay = await startRelay({ slowFrom: 3, workMs: 200 });
    const file = scenarioFile(folder, pairs);
    const json = join(folder, 'capacity.json');
    const words = `capacity ${file} --server ${relay.address} --quiet --threads 1 --seconds 1 --expect 'p50<300ms' --json ${json}`;
    const program = runProcess('sh', [
      '-c',
      `ulimit -n 260; exec "${process.execPath}" "${PARLEY}" load ${words}`,
    ]);
    const { code } = await program.exit(3 * TRIAL_MS);
    relay.stop();
    // On a machine that is busy with something else that is what it says.
    const isBusy = /this machine is too busy/.test(program.stdout());
    expect([code, program.stderr()]).toEqual([isBusy ? 75 : 0, '']);
    if (!isBusy) expect(program.stdout()).toMatch(/carries about 2 users who each write 240 messages/);
    const saved = JSON.parse(readFileSync(json, 'utf8'));
    expect(saved).toMatchObject({ format: 'parley-capacity', answer: program.stdout().trimEnd() });
    const type = isBusy ? expect.any(String) : 'not_carried';
    expect(saved.steps[0]).toMatchObject({ users: 4, finding: { type, why: expect.any(String) } });
  });
});
