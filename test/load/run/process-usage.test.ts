import { describe, expect, it } from 'vitest';
import { parseStat } from '../../../src/load/run/proc-file.ts';
import { ProcessUsage, type UsageSample, usageBetween } from '../../../src/load/run/process-usage.ts';
import { type RunningProcess, runProcess, until } from '../../support/process.ts';

/** Burns that much CPU time for each line on stdin, and then prints what it has used altogether, in seconds. */
const burn = `
  const used = () => { const { user, system } = process.cpuUsage(); return (user + system) / 1e6; };
  require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
    const end = used() + Number(line);
    while (used() < end);
    console.log(used());
  });
`;
const inThread = `
  const { Worker } = require('node:worker_threads');
  const worker = new Worker(${JSON.stringify(burn)}, { eval: true, name: 'the burner', stdin: true });
  process.stdin.pipe(worker.stdin);
`;
const inChild = `
  require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(burn)}], { stdio: 'inherit' });
`;

/** Half a second of a process or of a thread. */
const burnHalf = (usage: string): string =>
  `for (let used = 0; used < 5e5; ) { const { user, system } = process.${usage}(); used = user + system; }`;

function start(script: string): { process: RunningProcess; pid: number; usage: ProcessUsage } {
  const started = runProcess(process.execPath, ['-e', script]);
  const pid = started.child.pid ?? 0;
  const usage = ProcessUsage.start(pid);
  if (usage.type !== 'started') throw new Error(usage.text);
  return { process: started, pid, usage: usage.usage };
}

async function take({ process, usage }: ReturnType<typeof start>, seconds: number): Promise<UsageSample> {
  const lines = (): number => process.stdout().split('\n').length;
  const before = lines();
  process.child.stdin?.write(`${seconds}\n`);
  await until('the work to be done', () => lines() > before, { state: process.stderr });
  const sample = usage.sample();
  if (sample === undefined) throw new Error('the process has ended');
  return sample;
}

describe('a line of stat', () => {
  it('is parsed after the last parenthesis of the name', () => {
    const numbers = Array.from({ length: 49 }, (_, index) => index + 4).join(' ');
    expect(parseStat(`12 (a) b ((c)) R ${numbers}\n`)).toEqual({
      name: 'a) b ((c)',
      state: 'R',
      parent: 4,
      cpuSeconds: 0.14 + 0.15,
      childrenSeconds: 0.16 + 0.17,
      born: '22',
    });
  });
});

describe.runIf(process.platform === 'linux')('what a process uses', () => {
  it.each([
    ['its own', burn],
    ['that of a thread', `process.title = 'a) (b'; ${inThread}`],
    ['that of a child process', inChild],
  ])('is the CPU time that it took: %s', async (_, script) => {
    const running = start(script);
    const before = await take(running, 0);
    const after = await take(running, 0.6);
    const used = usageBetween(before, after);
    const [first = 0, last = 0] = running.process.stdout().split('\n').map(Number);
    expect(used.cpuSeconds).toBeGreaterThan(0.55);
    // What starting takes is still under way.
    expect(used.cpuSeconds).toBeLessThan(last - first + 0.3);
    expect(used.cores).toBeCloseTo(used.cpuSeconds / used.seconds);
    expect(used.busiest.share).toBeGreaterThan(0.5 / used.seconds);
    expect(used.busiest.share).toBeLessThanOrEqual(1.02);
    expect(after.bytes).toBeGreaterThan(10 * 2 ** 20);
    if (script.includes('the burner')) expect(used.busiest.name).toBe('the burner');
    running.process.child.stdin?.end();
    running.process.child.kill();
    await running.process.exit();
  });

  it('includes threads that have ended, and counts a child that has ended once', async () => {
    const running = start(`
      const { Worker } = require('node:worker_threads');
      const { spawnSync } = require('node:child_process');
      process.stdin.once('data', () => {
        spawnSync(process.execPath, ['-e', ${JSON.stringify(burnHalf('cpuUsage'))}]);
        const worker = new Worker(${JSON.stringify(burnHalf('threadCpuUsage'))}, { eval: true });
        worker.on('exit', () => console.log('done'));
      });
    `);
    await until('the process to be up', () =>
      running.usage.sample()?.threads.find(({ name }) => /node/.test(name)),
    );
    const before = running.usage.sample();
    const after = await take(running, 0);
    if (before === undefined) throw new Error('it has ended');
    const { cpuSeconds } = usageBetween(before, after);
    expect(cpuSeconds).toBeGreaterThan(0.95);
    expect(cpuSeconds).toBeLessThan(1.8);
    running.process.child.kill();
    await running.process.exit();
  });

  it('ends with the process, and is never that of another one', async () => {
    const running = start(burn);
    expect(running.usage.sample()).toBeDefined();
    running.process.child.kill('SIGKILL');
    await running.process.exit();
    expect(running.usage.sample()).toBeUndefined();
    const gone = ProcessUsage.start(running.pid);
    expect(gone).toMatchObject({ type: 'unknown', text: expect.stringContaining(String(running.pid)) });
  });
});

describe('the difference of two samples', () => {
  const sample = (at: number, cpuSeconds: number, threads: Array<[number, string, number]>): UsageSample => ({
    at,
    cpuSeconds,
    bytes: 0,
    threads: threads.map(([id, name, cpuSeconds]) => ({ id, name, cpuSeconds })),
  });

  it('distinguishes threads of the same name, counts new ones from zero, and is never negative', () => {
    const from = sample(0, 10, [
      [1, 'pool', 1],
      [2, 'pool', 8],
    ]);
    const to = sample(2_000, 13, [
      [1, 'pool', 2.5],
      [2, 'pool', 8.1],
      [3, 'new', 1.2],
    ]);
    expect(usageBetween(from, to)).toEqual({
      seconds: 2,
      cpuSeconds: 3,
      cores: 1.5,
      busiest: { name: 'pool', share: 0.75 },
    });
    expect(usageBetween(to, from)).toMatchObject({ cpuSeconds: 0, cores: 0 });
  });
});
