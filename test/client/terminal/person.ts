/** People at terminals, each in a folder that also holds their client's state. */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { passwordFile } from '../../support/parley.ts';
import { PARLEY } from '../../support/server.ts';
import { type RunningTerminal, startTerminal } from '../../support/terminal.ts';

export interface Person extends RunningTerminal {
  readonly cwd: string;
  /** Types a line, and Enter. */
  say(line: string): void;
}

/** Starts the client with these arguments. */
export function open(folder: string, user: string, ...args: string[]): Person {
  return start(folder, user, process.execPath, [PARLEY, 'connect', ...args]);
}

/** A shell, which first runs a command if one is given. It does not use bracketed paste itself. */
export function openShell(folder: string, user: string, first = 'true'): Person {
  const settings = join(folder, 'inputrc');
  writeFileSync(settings, 'set enable-bracketed-paste off\n');
  const shell = `PS1='shell$ ' INPUTRC='${settings}' exec bash --norc -i`;
  return start(folder, user, 'sh', ['-c', `${first}; ${shell}`]);
}

/** Arguments that log a person in without any question. */
export function login(folder: string, user: string, address: string): string[] {
  const password = passwordFile(folder, `secret of ${user}`);
  return [address, '--user', user, '--password-file', password, '--display', 'chat'];
}

/** Waits until the person is logged in. */
export async function enter(
  folder: string,
  user: string,
  address: string,
  ...args: string[]
): Promise<Person> {
  const person = open(folder, user, ...login(folder, user, address), ...args);
  await person.see(new RegExp(`^${user}( #\\w+)?>$`, 'm'));
  return person;
}

/** Everything in the display so far. */
export function display({ cwd }: { readonly cwd: string }): string {
  return readFileSync(join(cwd, 'chat.html'), 'utf8');
}

function start(folder: string, user: string, file: string, args: readonly string[]): Person {
  const cwd = join(folder, user);
  if (!existsSync(cwd)) mkdirSync(cwd);
  const env = { XDG_STATE_HOME: join(cwd, 'state') };
  const terminal = startTerminal(file, args, { cwd, columns: 80, env });
  return {
    ...terminal,
    cwd,
    say(line) {
      terminal.type(line);
      terminal.press('Enter');
    },
  };
}
