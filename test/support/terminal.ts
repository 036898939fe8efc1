/** A real terminal: a program runs in tmux, which shows what a person would see on the screen. */

import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { onTestFinished } from 'vitest';
import { until } from './process.ts';

export interface TerminalOptions {
  readonly columns?: number;
  readonly rows?: number;
  readonly cwd?: string;
}

export interface RunningTerminal {
  /** Types text, as it is. */
  type(text: string): void;
  /** Presses keys by the names that tmux has for them: `Enter`, `Tab`, `Up`, `C-c`, `C-d`. */
  press(...keys: string[]): void;
  /** The lines on the screen, without blanks at their ends, and what scrolled off it. */
  screen(): string;
  /** Waits until the screen matches, and returns it. */
  see(pattern: RegExp | string, timeoutMs?: number): Promise<string>;
  /** Closes the terminal, as its window would be closed. */
  close(): void;
  /** Waits until the program has ended, and returns its exit code. */
  exit(): Promise<number>;
}

/** The program's exit code is printed where the next prompt of a shell would be. */
const EXITED = /\[exit (\d+)\]/;

export function startTerminal(
  file: string,
  args: readonly string[],
  { columns = 100, rows = 30, cwd }: TerminalOptions = {},
): RunningTerminal {
  const socket = `parley-${randomBytes(6).toString('hex')}`;
  const tmux = (...command: string[]): string =>
    execFileSync('tmux', ['-L', socket, '-f', '/dev/null', ...command], { encoding: 'utf8' });
  const quoted = [file, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
  const size = ['-x', String(columns), '-y', String(rows)];
  const folder = cwd === undefined ? [] : ['-c', cwd];
  // The shell stays behind, so that the screen can still be read when the program has ended.
  tmux('new-session', '-d', '-s', 'test', ...size, ...folder, `${quoted}; echo "[exit $?]"; exec sleep 600`);
  const close = (): void => {
    spawnSync('tmux', ['-L', socket, 'kill-server']);
  };
  onTestFinished(close);
  const screen = (): string => tmux('capture-pane', '-p', '-J', '-S', '-500', '-t', 'test').trimEnd();
  return {
    type(text) {
      tmux('send-keys', '-t', 'test', '-l', '--', text);
    },
    press(...keys) {
      tmux('send-keys', '-t', 'test', ...keys);
    },
    screen,
    close,
    see: (pattern, timeoutMs) =>
      until(
        `the screen to show ${pattern}`,
        () => {
          const shown = screen();
          return (typeof pattern === 'string' ? shown.includes(pattern) : pattern.test(shown)) && shown;
        },
        timeoutMs === undefined ? { state: screen } : { state: screen, timeoutMs },
      ),
    exit: async () =>
      Number(await until('the program to end', () => EXITED.exec(screen())?.[1], { state: screen })),
  };
}
