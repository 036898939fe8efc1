/** A real process under test: its output so far, lines to wait for, and an end with a deadline. */

import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';

/** How long a test waits for anything before it reports what it waited for. */
export const DEADLINE_MS = 20_000;

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface RunningProcess {
  readonly child: ChildProcess;
  /** The output so far. */
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Resolves when both streams have ended too. After `timeoutMs` it kills the process and rejects. */
  exit(timeoutMs?: number): Promise<Exit>;
}

export function runProcess(
  file: string,
  args: readonly string[],
  options: SpawnOptions = {},
): RunningProcess {
  const child = spawn(file, args, options);
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  // A process that has exited no longer reads; its exit code says more than the broken pipe.
  child.stdin?.on('error', () => {});
  const ended = once(child, 'close').then(() => ({ code: child.exitCode, signal: child.signalCode }));
  ended.catch(() => {});
  return {
    child,
    stdout: () => stdout,
    stderr: () => stderr,
    async exit(timeoutMs = DEADLINE_MS) {
      const late = Promise.withResolvers<'late'>();
      const deadline = setTimeout(() => late.resolve('late'), timeoutMs);
      const first = await Promise.race([ended, late.promise]);
      clearTimeout(deadline);
      if (first !== 'late') return first;
      child.kill('SIGKILL');
      throw new Error(
        `${args.join(' ')} did not exit in ${timeoutMs} ms\nstdout: ${stdout}\nstderr: ${stderr}`,
      );
    },
  };
}

/**
 * Calls `look` repeatedly until it returns something other than undefined or false. The error names `what`, and the
 * `state` at that time.
 */
export async function until<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
  { timeoutMs = DEADLINE_MS, state = () => '' }: { timeoutMs?: number; state?: () => string } = {},
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const seen = await look();
    if (seen !== undefined && seen !== false) return seen;
    if (performance.now() > deadline) throw new Error(`waited ${timeoutMs} ms for ${what}\n${state()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
