/**
 * Deliberate faults, for tests of how the server survives them: which threads can be made to fail, and which limits a
 * test may shorten. Everything here is inert unless the environment sets PARLEY_TEST_HOOKS=1: no thread is registered,
 * no order is obeyed, and no other variable is read.
 */

import { parentPort, type ResourceLimits } from 'node:worker_threads';

export const CRASHES = ['kill', 'throw', 'exit', 'oom', 'spin'] as const;

/**
 * `kill`: terminated from outside. From inside: an uncaught exception, `process.exit(3)`, a heap that grows to its
 * limit, an endless loop.
 */
export type Crash = (typeof CRASHES)[number];

/** Everything that a test may set through the environment. */
const SETTINGS = {
  PARLEY_TEST_HEAP_MB: 'heap limit of each thread, in MiB',
  PARLEY_TEST_WATCHDOG_MS: 'how long a thread may be silent',
  PARLEY_TEST_END_MS: 'how long a thread may take to terminate',
  PARLEY_TEST_SETTLE_MS: 'how long the clock must be steady before anything expires',
  PARLEY_TEST_KEEP_ALIVE_MS: 'how long a connection is idle before TCP probes its peer',
  PARLEY_TEST_LOOK_EVERY_MS: 'interval between checks of the socket table',
  PARLEY_TEST_LOG: 'module whose `openLog` takes the place of the local log',
} as const;

export type TestSetting = keyof typeof SETTINGS;

/** An order to a thread. `part`: the part of the thread that should fail; undefined for the thread itself. */
interface CrashOrder {
  readonly crash: Crash;
  readonly part: string | undefined;
}

/** A thread that can be made to fail. */
interface Target {
  post(order: CrashOrder): void;
  terminate(): void;
}

/** The running threads started by this thread, by name. */
const targets = new Map<string, Target>();
/** How the next task of a part should fail. */
const pending = new Map<string, Crash>();

export function hasTestHooks(): boolean {
  return process.env.PARLEY_TEST_HOOKS === '1';
}

export function testText(name: TestSetting): string | undefined {
  return hasTestHooks() ? process.env[name] : undefined;
}

export function testNumber(name: TestSetting): number | undefined {
  const value = testText(name);
  return value === undefined ? undefined : Number(value);
}

/** Limits of a thread: a small heap fills up quickly. */
export function testHeap(): ResourceLimits {
  const megabytes = testNumber('PARLEY_TEST_HEAP_MB');
  return megabytes === undefined ? {} : { maxOldGenerationSizeMb: megabytes };
}

/** Makes a newly started thread a target of `crash`. Returns a function that undoes this. */
export function registerTarget(name: string, target: Target): () => void {
  if (!hasTestHooks()) return () => {};
  targets.set(name, target);
  return () => {
    if (targets.get(name) === target) targets.delete(name);
  };
}

/** Makes the named thread, or a part of it, fail. False if no such thread is running. */
export function crash(name: string, how: Crash, part?: string): boolean {
  const target = targets.get(name);
  if (target === undefined) return false;
  if (how === 'kill' && part === undefined) target.terminate();
  else target.post({ crash: how, part });
  return true;
}

/**
 * Obeys orders from the parent process, such as `{ crash: 'registry', how: 'spin' }`; `how` defaults to `kill`. `hash`
 * means the hash pool thread that gets the next task.
 */
export function obeyParentProcess(): void {
  if (!hasTestHooks()) return;
  process.on('message', (message: unknown) => {
    if (typeof message !== 'object' || message === null || !('crash' in message)) return;
    const { crash: thread } = message;
    const how = 'how' in message ? message.how : 'kill';
    if (typeof thread !== 'string' || !isCrash(how)) return;
    if (thread === 'hash') crash('auth', how, 'hash');
    else crash(thread, how);
  });
}

/** Obeys orders from the thread that started this one. */
export function obeyStarter(): void {
  if (!hasTestHooks()) return;
  parentPort?.on('message', (message: unknown) => {
    if (!isOrder(message)) return;
    if (message.part === undefined) void crashThread(message.crash);
    else pending.set(message.part, message.crash);
  });
}

/** How a pool should run its next task: in `file`, which fails as ordered, instead of the pool's own file. */
export interface FaultyTask {
  readonly file: string;
  readonly task: Crash;
  readonly timeoutMs: number | undefined;
}

/** The faulty task that should replace the next task of that part; undefined if there is none. */
export function takeFaultyTask(part: string): FaultyTask | undefined {
  const how = pending.get(part);
  if (how === undefined) return undefined;
  pending.delete(part);
  const file = import.meta.url.replace(/fault-injection(\.[jt]s)$/, 'faulty-task.worker$1');
  // A pool thread can be killed only from outside, so this is an endless loop with a short timeout.
  return how === 'kill' ? { file, task: 'spin', timeoutMs: 10 } : { file, task: how, timeoutMs: undefined };
}

/** Makes this thread fail, at once or in its next turn. The promise never settles. */
export function crashThread(how: Crash): Promise<never> {
  switch (how) {
    case 'throw':
      setImmediate(() => {
        throw new Error('thrown on purpose');
      });
      break;
    case 'kill':
    case 'exit':
      process.exit(3);
      break;
    case 'oom':
      fillHeap();
      break;
    case 'spin':
      for (;;);
    default:
      how satisfies never;
  }
  return new Promise(() => {});
}

/**
 * Uses long strings, which V8 copies into one piece when they are read, because small objects would take seconds to
 * fill the heap. V8 does not end every loop whose heap is full, but it ends this one.
 */
function fillHeap(): never {
  const long = 'x'.repeat(1_000_000);
  for (const heap: string[] = []; ; ) {
    heap.push(long + heap.length);
    heap.at(-1)?.charCodeAt(0);
  }
}

function isCrash(value: unknown): value is Crash {
  return CRASHES.some((how) => how === value);
}

function isOrder(message: unknown): message is CrashOrder {
  return typeof message === 'object' && message !== null && 'crash' in message && isCrash(message.crash);
}
