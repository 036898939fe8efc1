/**
 * Threads that go wrong on purpose, for the tests of what happens then. All of it is dead code in a process whose
 * environment does not say PARLEY_TEST_HOOKS=1: nothing listens, and nothing of the environment is read.
 */

import { parentPort, type ResourceLimits } from 'node:worker_threads';

export const CRASHES = ['kill', 'throw', 'exit', 'oom', 'spin'] as const;

/**
 * `kill`: ended from outside. From within: an uncaught exception, `process.exit(3)`, a heap that grows to its limit,
 * an endless loop.
 */
export type Crash = (typeof CRASHES)[number];

/** What a thread is told. `part`: what of it goes wrong, if not the thread itself. */
export interface CrashOrder {
  readonly crash: Crash;
  readonly part: string | undefined;
}

export function hasTestHooks(): boolean {
  return process.env.PARLEY_TEST_HOOKS === '1';
}

/** A setting from the environment that a test uses instead of the real one. */
export function testText(name: `PARLEY_TEST_${string}`): string | undefined {
  return hasTestHooks() ? process.env[name] : undefined;
}

/** A number from the environment that stands in for a limit, so that a test need not wait for the real one. */
export function testNumber(name: `PARLEY_TEST_${string}`): number | undefined {
  const value = testText(name);
  return value === undefined ? undefined : Number(value);
}

/** Limits of a thread: a small heap, in MiB from PARLEY_TEST_HEAP_MB, so that running out of it takes no time. */
export function testHeap(): ResourceLimits {
  const megabytes = testNumber('PARLEY_TEST_HEAP_MB');
  return megabytes === undefined ? {} : { maxOldGenerationSizeMb: megabytes };
}

export function isCrash(value: unknown): value is Crash {
  return CRASHES.some((crash) => crash === value);
}

const parts = new Map<string, (how: Crash) => void>();

/** Lets a part of this thread go wrong in a way of its own. */
export function crashPart(part: string, crash: (how: Crash) => void): void {
  if (hasTestHooks()) parts.set(part, crash);
}

/** Obeys orders to crash from whoever started this thread. */
export function obeyCrashes(): void {
  if (!hasTestHooks()) return;
  parentPort?.on('message', (message: unknown) => {
    if (!isOrder(message)) return;
    if (message.part === undefined) void crashThread(message.crash);
    else parts.get(message.part)?.(message.crash);
  });
}

/** Makes this thread go wrong, at once or in its next turn. The promise never settles. */
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
 * With long strings, which reading from makes real: of small objects the heap takes seconds to be full. V8 does not end
 * every loop whose heap is full, but it does this one.
 */
function fillHeap(): never {
  const long = 'x'.repeat(1_000_000);
  for (const heap: string[] = []; ; ) {
    heap.push(long + heap.length);
    heap.at(-1)?.charCodeAt(0);
  }
}

function isOrder(message: unknown): message is CrashOrder {
  return typeof message === 'object' && message !== null && 'crash' in message && isCrash(message.crash);
}
