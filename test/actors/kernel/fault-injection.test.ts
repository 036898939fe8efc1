import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ExitReason } from '../../../src/actors/kernel/actor.ts';
import { CRASHES, type Crash, crash } from '../../../src/actors/kernel/fault-injection.ts';
import { type SupervisorEvent, supervise } from '../../../src/actors/kernel/supervisor.ts';
import { startThread, type Thread } from '../../../src/actors/kernel/thread.ts';
import type { BusyApi } from '../../fixtures/busy.worker.ts';
import { type RunningProcess, runProcess, until } from '../../support/process.ts';

const file = new URL('../../fixtures/busy.worker.ts', import.meta.url);
const WATCHDOG_MS = 1_000;

beforeEach(() => {
  vi.stubEnv('PARLEY_TEST_HOOKS', '1');
  vi.stubEnv('PARLEY_TEST_HEAP_MB', '32');
});
afterEach(() => {
  vi.unstubAllEnvs();
});

async function start(watchdogMs = 60_000): Promise<Thread<BusyApi>> {
  const started = await startThread<BusyApi>('busy', file, {}, [], { watchdogMs });
  if (started.type === 'failed') throw started.error;
  return started.thread;
}

/** The exit reason of a thread that fails in that way. */
function explain(reason: ExitReason): string {
  return reason.type === 'failed' ? reason.error.message : reason.type;
}

const EXPECTED: Record<Crash, RegExp> = {
  kill: /^killed$/,
  throw: /^thrown on purpose$/,
  exit: /^killed$/,
  oom: /memory limit/,
  spin: /^did not answer for 1(\.\d)? s and was terminated$/,
};

describe('a supervised thread that fails', () => {
  it.each(CRASHES)('%s: is started again, and settles what it owed', async (how) => {
    const events: SupervisorEvent[] = [];
    let thread: Thread<BusyApi> | undefined;
    let starts = 0;
    const spec = {
      name: 'busy',
      restart: { restarts: 2, withinMs: 1_000, backOffMs: 20 },
      start: async () => {
        thread = await start(how === 'spin' ? WATCHDOG_MS : undefined);
        starts += 1;
        return { type: 'started' as const, child: thread };
      },
    };
    const supervised = await supervise([spec], (event) => events.push(event));
    if (supervised.type === 'failed') throw supervised.error;
    const { supervisor } = supervised;
    expect(crash('busy', how)).toBe(true);
    const owed = thread?.call((api) => api.echo(1), 20_000);
    await until('the restart', () => starts === 2 && events.length === 2);
    if (how !== 'throw') expect(await owed).toEqual({ type: 'gone' });
    const [exited, restarted] = events;
    expect(exited?.type === 'exited' && explain(exited.reason)).toMatch(EXPECTED[how]);
    expect(restarted?.type === 'restarted' && restarted.afterMs).toBeLessThan(5_000);
    expect(await thread?.call((api) => api.echo(2))).toEqual({ type: 'answered', value: 2 });
    await supervisor.stop();
  });

  it('ignores the order without the test hooks', async () => {
    vi.stubEnv('PARLEY_TEST_HOOKS', '0');
    const thread = await start();
    for (const how of CRASHES) expect(crash('busy', how)).toBe(false);
    expect(await thread.call((api) => api.echo(1))).toEqual({ type: 'answered', value: 1 });
    await thread.kill();
  });
});

describe('a watched thread', () => {
  it('may repeatedly be silent for less than the limit', async () => {
    const thread = await start(WATCHDOG_MS);
    for (let i = 0; i < 4; i += 1) {
      expect(await thread.call((api) => api.block(WATCHDOG_MS * 0.6))).toEqual({
        type: 'answered',
        value: undefined,
      });
    }
    await thread.kill();
    expect(await thread.exited).toEqual({ type: 'killed' });
  });

  it('is not blamed for time in which its watcher was blocked', async () => {
    const thread = await start(WATCHDOG_MS);
    for (let i = 0; i < 2; i += 1) {
      const end = performance.now() + 2 * WATCHDOG_MS;
      while (performance.now() < end);
      expect(await thread.call((api) => api.echo(i))).toEqual({ type: 'answered', value: i });
    }
    await thread.kill();
    expect(await thread.exited).toEqual({ type: 'killed' });
  });

  it('without a limit may be silent for any time', async () => {
    const started = await startThread<BusyApi>('busy', file, {});
    if (started.type === 'failed') throw started.error;
    await started.thread.call((api) => api.block(2 * WATCHDOG_MS));
    expect(await started.thread.call((api) => api.echo(1))).toEqual({ type: 'answered', value: 1 });
    await started.thread.kill();
  });
});

describe('a process with a watched thread', () => {
  let running: RunningProcess;
  beforeEach(async () => {
    running = runProcess(
      process.execPath,
      [fileURLToPath(new URL('../../fixtures/watched.ts', import.meta.url))],
      {
        stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
        env: { ...process.env, PARLEY_TEST_END_MS: '1000' },
      },
    );
    await until('its thread', () => running.stdout().includes('up'));
  });
  afterEach(() => {
    running.child.kill('SIGKILL');
  });

  it('keeps the thread when it was suspended', async () => {
    running.child.kill('SIGSTOP');
    await new Promise((resolve) => setTimeout(resolve, 3 * WATCHDOG_MS));
    running.child.kill('SIGCONT');
    await new Promise((resolve) => setTimeout(resolve, WATCHDOG_MS));
    running.child.send('echo');
    await until('the answer', () => running.stdout().includes('answered'));
    expect(running.stdout()).not.toContain('exited');
  });

  it('exits if the thread cannot be terminated, rather than wait for it', async () => {
    running.child.send('stick');
    const exit = await running.exit();
    expect(running.stdout()).toContain('thread busy cannot be terminated; only ending the process ends it');
    expect(exit).toEqual({ code: null, signal: 'SIGKILL' });
  });
});
