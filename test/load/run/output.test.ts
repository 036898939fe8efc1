/**
 * A load test whose output goes nowhere: a full disk, a reader who has gone, a folder that vanishes. What was measured is told
 * where it can be.
 */

import { spawn } from 'node:child_process';
import { mkdirSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readResult } from '../../../src/load/result/result-file.ts';
import { testFolder } from '../../support/folder.ts';
import { runProcess, until } from '../../support/process.ts';
import { PARLEY } from '../../support/server.ts';
import { type Relay, startRelay } from '../honesty/relay.ts';
import { goodCode, ROOMS, scenarioFile, startLoad, TRIAL_MS } from '../honesty/trial.ts';

const folder = testFolder();
const SHORT = { ...ROOMS, phases: [{ kind: 'steady' as const, seconds: 1 }] };
const LONG = { ...ROOMS, phases: [{ kind: 'steady' as const, seconds: 3 }] };

let relay: Relay;
beforeAll(async () => {
  relay = await startRelay();
});
afterAll(() => relay.stop());

function wordsOf(scenario: typeof SHORT, ...more: readonly string[]): string[] {
  return [scenarioFile(folder, scenario), '--server', relay.address, ...more];
}

async function codeIn(json: string): Promise<number> {
  const read = await readResult(json);
  if (read.type === 'unreadable') throw new Error(read.text);
  expect(read.result.ended).toBe('complete');
  return goodCode(read.result);
}

type Streams = readonly ['ignore', number | 'pipe', number | 'pipe'];

function startWith(streams: Streams, words: readonly string[]) {
  return runProcess(process.execPath, [PARLEY, 'load', ...words], { stdio: [...streams] });
}

describe.runIf(process.platform === 'linux')('a run', () => {
  it.concurrent('whose stdout is on a full disk writes its files and reports an error', async () => {
    const json = join(folder, 'full-stdout.json');
    const program = startWith(
      ['ignore', openSync('/dev/full', 'w'), 'pipe'],
      wordsOf(SHORT, '--json', json, '--quiet'),
    );
    const { code } = await program.exit(TRIAL_MS);
    await codeIn(json);
    expect([code, program.stderr()]).toEqual([1, 'parley: cannot write to stdout: the disk is full\n']);
  });

  it.concurrent('whose readers have gone continues and writes its files', async () => {
    const json = join(folder, 'unread.json');
    const child = spawn(process.execPath, [PARLEY, 'load', ...wordsOf(LONG, '--json', json)], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const ended = new Promise((resolve) => child.once('exit', resolve));
    let told = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      told += text;
    });
    await until('a line', () => /^(ramp|steady) .*\n/.test(told));
    child.stdout.destroy();
    child.stderr.destroy();
    expect(await ended).toBe(await codeIn(json));
  });

  it.concurrent.each(['--json', '--html'])(
    '%s on a full disk: the summary is told, and it is an error',
    async (flag) => {
      const program = startLoad(wordsOf(SHORT, flag, '/dev/full', '--quiet'));
      const why = /^parley: cannot write \/dev\/full: the disk is full$/m;
      const { code } = await program.exit(TRIAL_MS);
      expect(program.stdout()).toMatch(/every\s+message\s+arrived/);
      expect([code, program.stderr()]).toEqual([1, expect.stringMatching(why)]);
    },
  );

  it.concurrent('whose folder vanishes meanwhile prints the summary and reports both files', async () => {
    const gone = join(folder, 'gone');
    mkdirSync(gone);
    const files = ['--json', join(gone, 'r.json'), '--html', join(gone, 'r.html')];
    const program = startLoad(wordsOf(LONG, ...files));
    await until('talk', () => /^steady .*[1-9]\d* delivered\/s/m.test(program.stderr()));
    rmSync(gone, { recursive: true });
    const { code } = await program.exit(TRIAL_MS);
    expect(program.stdout()).toMatch(/every\s+message\s+arrived/);
    for (const name of ['r.json', 'r.html']) {
      expect(program.stderr()).toContain(
        `parley: cannot write ${join(gone, name)}: no such file or folder\n`,
      );
    }
    expect(code).toBe(1);
  });

  it.concurrent('that cannot create a data folder for its server fails', async () => {
    const program = runProcess(process.execPath, [PARLEY, 'load', '--users', '2'], {
      env: { ...process.env, TMPDIR: join(folder, 'nowhere') },
    });
    const { code } = await program.exit();
    expect([code, program.stderr()]).toEqual([
      1,
      `parley: cannot create a folder in ${join(folder, 'nowhere')} (TMPDIR): no such file or folder\n`,
    ]);
  });
});

describe('a file that cannot be written prevents the run', () => {
  it.concurrent.each([
    [['--json', join('no', 'such', 'r.json')], /cannot write .*r\.json: no such file or folder/],
    [['--json', '/proc/self/r.json'], /cannot write \/proc\/self\/r\.json/],
    [['--html', '.'], /cannot write \.: it is a folder/],
    [['--json', 'folder/'], /cannot write "folder\/": it does not name a file/],
    [['--json', ''], /cannot write "": it does not name a file/],
    [['capacity', '--json', join('no', 'such', 'c.json')], /cannot write .*c\.json: no such file/],
  ])('%j', async (words, why) => {
    const program = startLoad([...words, '--server', relay.address]);
    const { code } = await program.exit();
    expect([code, program.stdout(), program.stderr()]).toEqual([1, '', expect.stringMatching(why)]);
  });
});

describe.runIf(process.platform === 'linux')('an answer that nobody reads', () => {
  const result = join(folder, 'a.json');

  it.concurrent.each([['list'], ['show rooms'], [`compare ${result} ${result}`]])('%s', async (words) => {
    const parley = `"${process.execPath}" "${PARLEY}" load`;
    writeFileSync(result, JSON.stringify((await import('../result/sample-result.ts')).sampleResult()));
    // A reader that ends at once: what is written then is a broken pipe.
    const broken = runProcess('bash', ['-c', `{ sleep 1; ${parley} ${words}; echo "code $?" >&2; } | true`]);
    await broken.exit(TRIAL_MS);
    expect(broken.stderr()).toBe('code 0\n');
    const full = runProcess('sh', ['-c', `${parley} ${words} > /dev/full`]);
    expect([(await full.exit(TRIAL_MS)).code, full.stderr()]).toEqual([
      1,
      'parley: cannot write to stdout: the disk is full\n',
    ]);
  });
});
