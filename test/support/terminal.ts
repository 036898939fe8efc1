/** A real terminal: a program runs in tmux, which shows what a person would see on the screen. */

import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { until } from './process.ts';

export interface TerminalOptions {
  readonly columns?: number;
  readonly rows?: number;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export interface RunningTerminal {
  /** Types text, unchanged. */
  type(text: string): void;
  /**
   * Pastes text as a terminal does: between markers, if the program has asked for them and `isBracketed` is not false.
   */
  paste(text: string, options?: { readonly isBracketed: boolean }): void;
  /** Presses keys by their tmux names: `Enter`, `Tab`, `Up`, `C-c`, `C-d`. */
  press(...keys: string[]): void;
  /** The lines on the screen and scrolled off it, without trailing spaces. */
  screen(): string;
  /** All bytes that the program has written, including escape sequences. */
  output(): string;
  /** Waits until the screen matches, and returns it. */
  see(pattern: RegExp | string, timeoutMs?: number): Promise<string>;
  /** Closes the terminal, as closing its window would. */
  close(): void;
  /** Waits until the program has exited, and returns its exit code. */
  exit(): Promise<number>;
}

/** The program's exit code is printed where the next prompt of a shell would be. */
const EXITED = /\[exit (\d+)\]/;

export function startTerminal(
  file: string,
  args: readonly string[],
  { columns = 100, rows = 30, cwd, env = {} }: TerminalOptions = {},
): RunningTerminal {
  const socket = `parley-${randomBytes(6).toString('hex')}`;
  const run = (command: readonly string[], input = ''): string =>
    execFileSync('tmux', ['-L', socket, '-f', '/dev/null', ...command], { encoding: 'utf8', input });
  const tmux = (...command: string[]): string => run(command);
  const log = join(mkdtempSync(join(tmpdir(), 'parley-terminal-')), 'output');
  const quoted = [file, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
  const size = ['-x', String(columns), '-y', String(rows)];
  const folder = cwd === undefined ? [] : ['-c', cwd];
  // The shell remains, so that the screen can still be read after the program has exited.
  const variables = Object.entries(env).flatMap(([name, value]) => ['-e', `${name}=${value}`]);
  // The program waits for the pipe, so that all its output goes there.
  const gate = `${log}.gate`;
  const script = `while ! [ -e '${gate}' ]; do sleep 0.01; done; ${quoted}; echo "[exit $?]"; exec sleep 600`;
  tmux('new-session', '-d', '-s', 'test', ...size, ...variables, ...folder, script);
  tmux('pipe-pane', '-t', 'test', `cat >> '${log}'`);
  writeFileSync(gate, '');
  const close = (): void => {
    spawnSync('tmux', ['-L', socket, 'kill-server']);
    rmSync(dirname(log), { recursive: true, force: true });
  };
  onTestFinished(close);
  const screen = (): string => tmux('capture-pane', '-p', '-J', '-S', '-500', '-t', 'test').trimEnd();
  return {
    type(text) {
      tmux('send-keys', '-t', 'test', '-l', '--', text);
    },
    paste(text, { isBracketed = true } = { isBracketed: true }) {
      run(['load-buffer', '-'], text);
      tmux('paste-buffer', ...(isBracketed ? ['-p'] : []), '-t', 'test');
    },
    press(...keys) {
      tmux('send-keys', '-t', 'test', ...keys);
    },
    screen,
    output: () => (existsSync(log) ? readFileSync(log, 'latin1') : ''),
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
