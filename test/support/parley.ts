/** `parley connect` as a script runs it: a real process, lines in, lines out. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Exit, type RunningProcess, runProcess, until } from './process.ts';
import { PARLEY } from './server.ts';

export interface ScriptOptions {
  readonly folder: string;
  readonly user: string;
  readonly address: string;
  readonly password?: string;
  /** Further flags, such as `--register`. */
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface RunningScript extends RunningProcess {
  /** Its display file. */
  readonly display: string;
  /** Types a line. */
  say(line: string): void;
  /** Waits until stdout matches, and returns it. */
  see(pattern: RegExp | string): Promise<string>;
  /** What `--json` has written so far. */
  json(): Array<Record<string, unknown>>;
  /** Ends the input, and waits for the exit. */
  end(): Promise<Exit>;
}

export function passwordFile(folder: string, password: string): string {
  const file = join(folder, `password-${password.replaceAll(/\W/g, '-')}`);
  writeFileSync(file, `${password}\n`, { mode: 0o600 });
  return file;
}

/** Starts a client that logs in and then runs what `say` types. */
export function startScript(options: ScriptOptions): RunningScript {
  const { folder, user, address, password = `secret of ${user}`, flags = [], env = {} } = options;
  const display = join(folder, `${user}.html`);
  const login = flags.includes('--guest') ? [] : ['--password-file', passwordFile(folder, password)];
  const args = [PARLEY, 'connect', address, '--display', display, '--user', user, ...login, ...flags];
  const running = runProcess(process.execPath, args, { env: { ...process.env, ...env } });
  const state = (): string => `stdout: ${running.stdout()}\nstderr: ${running.stderr()}`;
  return {
    ...running,
    display,
    say(line) {
      running.child.stdin?.write(`${line}\n`);
    },
    see: (pattern) =>
      until(
        `stdout to show ${pattern}`,
        () => {
          const shown = running.stdout();
          return (typeof pattern === 'string' ? shown.includes(pattern) : pattern.test(shown)) && shown;
        },
        { state },
      ),
    json: () =>
      running
        .stdout()
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line)),
    end() {
      running.child.stdin?.end();
      return running.exit();
    },
  };
}

export interface Finished extends Exit {
  readonly stdout: string;
  readonly stderr: string;
  readonly display: string;
}

/** Runs a client with these lines of input to its end. */
export async function runScript(lines: readonly string[], options: ScriptOptions): Promise<Finished> {
  const script = startScript(options);
  for (const line of lines) script.say(line);
  const exit = await script.end();
  return { ...exit, stdout: script.stdout(), stderr: script.stderr(), display: script.display };
}
