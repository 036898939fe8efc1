/** `parley load` as people and scripts run it. */

import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { SCENARIOS } from '../../src/load/scenarios.ts';
import { testFolder } from '../support/folder.ts';
import { runProcess } from '../support/process.ts';
import { PARLEY } from '../support/server.ts';
import { startRelay } from './honesty/relay.ts';
import { ROOMS, scenarioFile, startLoad, TRIAL_MS, type Trial, tryOut } from './honesty/trial.ts';

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

/** Something that listens, and counts who comes. */
async function startEar(): Promise<{ readonly port: number; readonly heard: () => number }> {
  let heard = 0;
  const server = createServer((socket) => {
    heard += 1;
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  return { port: typeof address === 'object' && address !== null ? address.port : 0, heard: () => heard };
}

const SHORT = { ...ROOMS, phases: [{ kind: 'steady' as const, seconds: 1 }] };

describe('what is wrong on the command line is told, with exit code 2', () => {
  it.each([
    [['chrun'], /there is no scenario chrun\. Did you mean churn\?/],
    [['nothing.json'], /nothing\.json cannot be read/],
    [['--rte', '5'], /unknown option '--rte'[\s\S]*Did you mean --rate\?/],
    [['--users', 'many'], /--users.*It is a whole number from 0 to 1000000/],
    [['--seconds', '0'], /--seconds.*It is a number from 0\.1/],
    [['--rate', '5', '--closed', '5'], /--rate and --closed exclude each other/],
    [['--expect', 'p98<5ms'], /--expect "p98<5ms", at character 1: .*did you mean p9/],
    [['--protocol', 'ircc'], /irc/],
    [['--protocol', 'irc'], /--protocol irc wants a --server/],
    [['--server', '127.0.0.1:1', 'churn'], /parley load prepare --data DIR --users 200/],
    [['--server', '127.0.0.1:1', '--accounts', '5'], /--accounts 5: this run logs in to 200/],
    [['--server', '127.0.0.1:1', '--accounts', '200', '--password-file', 'nowhere'], /nowhere/],
    [['capacity', '--closed', '5'], /that is an open loop/],
    [['capacity', 'nothing'], /there is no scenario nothing/],
    [['show', 'rom'], /Did you mean rooms\?/],
    [['compare', 'a.json', 'b.json'], /cannot read a\.json/],
  ])('%j', async (args, why) => {
    const { code, stdout, stderr } = await load(...args);
    expect(stderr).toMatch(why);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).not.toMatch(/^ +at /m);
  });

  it('a file with a word that there is not: the line, and what was meant', async () => {
    const file = join(folder, 'wrong.json');
    writeFileSync(file, readFileSync(scenarioFile(folder, SHORT), 'utf8').replace('"talk"', '\n"tlk"'));
    const { code, stderr } = await load(file);
    expect(code).toBe(2);
    expect(stderr).toContain('line 2, there is no "tlk"; did you mean "talk"?');
  });
});

describe('whom it loads', () => {
  // TEST-NET-1 of RFC 5737 is nobody's: what is sent there by mistake harms nobody.
  it('not a server elsewhere without a word', async () => {
    const { code, stderr } = await load('--server', '192.0.2.1:4040');
    expect(code).toBe(2);
    expect(stderr).toContain('nothing was sent');
    expect(stderr).toContain('--i-may-load 192.0.2.1');
  });

  it('not another than the one that is named', async () => {
    const { code, stderr } = await load('--server', '192.0.2.1:4040', '--i-may-load', '192.0.2.2');
    expect([code, stderr]).toEqual([2, expect.stringContaining('nothing was sent')]);
  });

  it('nobody, if anything else is wrong', async () => {
    const ear = await startEar();
    for (const wrong of [['--expect', 'p98<1ms'], ['--users', 'x'], ['--accounts', '1'], ['nothing.json']]) {
      expect((await load('--server', `127.0.0.1:${ear.port}`, ...wrong)).code).toBe(2);
    }
    expect(ear.heard()).toBe(0);
  });
});

describe('a run that cannot be', () => {
  it.each([[[]], [['capacity']]])('%j: nobody listens', { timeout: TRIAL_MS }, async (words) => {
    const { port } = await startEar();
    const free = port === 65_535 ? port - 1 : port + 1;
    const began = performance.now();
    const { code, stderr } = await load(...words, '--server', `127.0.0.1:${free}`, '--quiet');
    expect(stderr).toMatch(
      new RegExp(`^parley: nobody could come in at 127.0.0.1:${free}: connect: ECONNREFUSED. Is a server`),
    );
    expect(code).toBe(69);
    expect(performance.now() - began).toBeLessThan(15_000);
  });

  it('a server that says nothing we understand', { timeout: TRIAL_MS }, async () => {
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.end('220 mail.example ESMTP\r\n');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const { code, stderr } = await load('--server', `127.0.0.1:${port}`, '--quiet');
    expect([code, stderr]).toEqual([69, expect.stringContaining('closed: the server sent what is no frame')]);
  });

  it.runIf(process.platform === 'linux')('too few open files: how many are needed', async () => {
    const command = `ulimit -n 200; exec "${process.execPath}" "${PARLEY}" load rooms --users 500`;
    const program = runProcess('sh', ['-c', command]);
    const { code } = await program.exit();
    expect(code).toBe(1);
    expect(program.stderr()).toMatch(
      /^parley: this process needs 756 open files for this run, and may have 200/,
    );
    expect(program.stderr()).toContain('ulimit -n 756');
  });
});

describe('thresholds', () => {
  it('that are missed, and that are met', { timeout: TRIAL_MS }, async () => {
    const met = await tryOut(folder, {}, SHORT, ['--expect', 'lost==0', '--expect', 'p50<5s']);
    expect([met.code, met.result.expectations.map(({ isMet }) => isMet)]).toEqual([0, [true, true]]);
    const missed = await tryOut(folder, {}, SHORT, ['--expect', 'p50<1us', '--expect', 'lost==0']);
    expect([missed.code, missed.result.expectations.map(({ isMet }) => isMet)]).toEqual([99, [false, true]]);
    expect(missed.stdout).toMatch(/1\sof\s2\sthresholds\smissed:\sp50<1us\./);
    // What is lost is worse.
    const lost = await tryOut(folder, { loseEvery: 100 }, SHORT, ['--expect', 'p50<1us']);
    expect(lost.code).toBe(1);
  });

  it('that are missed end a run early, if that is asked for', { timeout: TRIAL_MS }, async () => {
    const long = { ...ROOMS, phases: [{ kind: 'steady' as const, seconds: 60 }] };
    const trial = await tryOut(folder, {}, long, ['--expect', 'p50<1us', '--abort-on-fail']);
    expect([trial.code, trial.result.ended]).toEqual([99, 'aborted']);
    expect(trial.result.figures.seconds).toBeLessThan(20);
    expect(trial.stdout).toMatch(/^Given up after/);
  });
});

describe('results', () => {
  it('list, show, and a run of what was shown', { timeout: TRIAL_MS }, async () => {
    const list = await load('list');
    expect(list.stdout.match(/^\w+/gm)).toEqual([...SCENARIOS.keys()]);
    const shown = await load('show', 'rooms');
    const file = join(folder, 'shown.json');
    writeFileSync(file, shown.stdout);
    const json = join(folder, 'shown-result.json');
    const relay = await startRelay();
    const run = await load(
      file,
      '--server',
      relay.address,
      '--seconds',
      '1',
      '--users',
      '30',
      '--json',
      json,
      '--quiet',
    );
    expect([run.code, run.stderr]).toEqual([0, '']);
    expect(run.stdout).toMatch(/^(Not a valid measurement of the server\. )?30 users, /);
    expect(JSON.parse(readFileSync(json, 'utf8'))).toMatchObject({ scenario: { name: 'rooms', users: 30 } });
  });

  it('of the same seed: the same conversations, as many messages, and a comparison', {
    timeout: TRIAL_MS,
  }, async () => {
    const first = await tryOut(folder, {}, SHORT);
    const again = await tryOut(folder, {}, SHORT);
    // Run and time differ; conversation, writer and number do not, in the order in which they were due.
    const tellings = ({ counted }: Trial): string[] =>
      counted.texts
        .toSorted((a, b) => a.slice(32).localeCompare(b.slice(32)))
        .slice(0, 100)
        .map((text) => text.slice(7, 31));
    expect(tellings(first)).toHaveLength(100);
    expect(tellings(again)).toEqual(tellings(first));
    const other = await tryOut(folder, {}, SHORT, ['--seed', '8']);
    expect(tellings(other)).not.toEqual(tellings(first));
    // How many are due in a second differs only by what a busy machine makes longer of it.
    const rates = [first, again].map(({ result }) => result.figures.due / result.figures.seconds);
    expect(Math.abs((rates[0] ?? 0) - (rates[1] ?? 0))).toBeLessThan(60);

    const files = [first, again].map(({ result }, index) => {
      const file = join(folder, `compared-${index}.json`);
      writeFileSync(file, JSON.stringify(result));
      return file;
    });
    const compared = await load('compare', ...files);
    expect(compared.code).toBe(0);
    expect(compared.stdout).toContain('p99');
  });

  it('that cannot be written: what was measured is told all the same', { timeout: TRIAL_MS }, async () => {
    const relay = await startRelay();
    const run = await load(
      ...[scenarioFile(folder, SHORT), '--server', relay.address],
      ...['--json', join(folder, 'no', 'such', 'folder.json'), '--quiet'],
    );
    expect(run.stdout).toMatch(/every\s+message\s+arrived/);
    expect([run.code, run.stderr]).toEqual([
      1,
      expect.stringMatching(/^parley: cannot write .*folder\.json/),
    ]);
  });

  it('tell how it goes: in a pipe one line a second', { timeout: TRIAL_MS }, async () => {
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

it.runIf(process.platform === 'linux')(
  'capacity: a server that can do only so much',
  { timeout: 3 * TRIAL_MS },
  async () => {
    // From 3 people on it can do 5 messages a second, and they write 12. As many files may be open as 4 need: 4 are tried first,
    // then 2, then 3.
    const relay = await startRelay({ slowFrom: 3, workMs: 200 });
    const file = scenarioFile(folder, {
      users: 1,
      groups: [{ kind: 'pairs' }],
      talk: { loop: 'open', perUserPerMinute: 240 },
      phases: [{ kind: 'steady', seconds: 1 }],
    });
    const json = join(folder, 'capacity.json');
    const words = `capacity ${file} --server ${relay.address} --quiet --threads 1 --expect 'p50<400ms' --json ${json}`;
    const program = runProcess('sh', [
      '-c',
      `ulimit -n 260; exec "${process.execPath}" "${PARLEY}" load ${words}`,
    ]);
    const { code } = await program.exit(3 * TRIAL_MS);
    expect([code, program.stderr()]).toEqual([0, '']);
    // On a machine that is busy with something else the generator may be what is too slow.
    expect(program.stdout()).toMatch(
      /carries about 2 users who each write 240 messages|the generator does not keep up/,
    );
    expect(JSON.parse(readFileSync(json, 'utf8'))).toMatchObject({
      format: 'parley-capacity',
      steps: expect.arrayContaining([
        expect.objectContaining({ users: 4, limit: expect.any(String) }),
        expect.objectContaining({ users: 2 }),
      ]),
    });
  },
);
