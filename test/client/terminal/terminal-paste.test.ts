import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { TestClient } from '../../support/client.ts';
import { testFolder } from '../../support/folder.ts';
import { needs } from '../../support/needs.ts';
import { until } from '../../support/process.ts';
import { PARLEY } from '../../support/server.ts';
import { sharedServer } from '../../support/server-runs.ts';
import { display, enter, login, openShell, type Person } from './person.ts';

needs('tmux');
const folder = testFolder();
const server = sharedServer();

/** A person in #tea, and another who sees what is sent there. */
async function inTea(
  user: string,
): Promise<{ person: Person; other: TestClient; heard(text: string): Promise<unknown> }> {
  const person = await enter(folder, user, server.address, '--register');
  person.say('/join tea');
  await person.see(new RegExp(`${user} #tea>$`));
  const other = await TestClient.register(server.address, `${user}s.friend`);
  await other.ok('join', '#tea');
  return {
    person,
    other,
    heard: (text) => other.event('message', ([, , , from, , said]) => from === user && said === text),
  };
}

describe('a paste', () => {
  it('is sent unchanged as one message, with its line breaks, once confirmed', async () => {
    const { person, other, heard } = await inTea('ada');
    const text = '/quit\n// a comment\n\n/etc/hosts is the file\n\tindented\n/join coffee';
    person.paste(`${text}\n`);
    await person.see(/Send these 6 lines to #tea as one message\? \[Y\/n\]:$/);
    person.press('Enter');
    await heard(text);
    await person.see(/ada #tea>$/);
    other.close();
  });

  it('is not sent if declined, and the half-typed line stays', async () => {
    const { person, other, heard } = await inTea('bea');
    person.type('half a line');
    await person.see(/bea #tea> half a line$/);
    for (const decline of [['n', 'Enter'], ['C-c'], ['C-d']]) {
      person.paste('one\ntwo');
      await person.see(/as one message\? \[Y\/n\]:$/);
      person.press(...decline);
      await person.see(/bea #tea> half a line$/);
    }
    person.press('Enter');
    await heard('half a line');
    other.close();
  });

  it('goes into the message that is being typed', async () => {
    const { person, other, heard } = await inTea('cleo');
    person.type('see: !');
    person.press('Left');
    person.paste('one\n/two');
    await person.see(/as one message\? \[Y\/n\]:$/);
    person.press('Enter');
    await heard('see: one\n/two!');
    person.type('/msg cleos.friend psst: ');
    await person.see(/psst:$/);
    person.paste('three\n\nfour');
    await person.see(/Send these 3 lines to cleos\.friend as one message\? \[Y\/n\]:$/);
    person.press('Enter');
    await heard('psst: three\n\nfour');
    // Only commands that send a text accept several lines.
    person.type('/join ');
    person.paste('one\ntwo');
    await person.see(/only be pasted into a message[\s\S]*cleo #tea> \/join$/);
    other.close();
  });

  it('of one line waits for Enter, and may then be a command', async () => {
    const { person, other, heard } = await inTea('dana');
    person.paste('/join coffee\n');
    expect(await person.see(/dana #tea> \/join coffee$/)).not.toContain('joined #coffee');
    person.press('Enter');
    await person.see(/dana #coffee>$/);
    person.say('/to tea');
    await person.see(/dana #tea>$/);
    person.paste('// a comment\n');
    await person.see(/a comment$/);
    person.press('Enter');
    await heard('// a comment');
    other.close();
  });

  it('is refused as a whole if it does not fit into a message', async () => {
    const { person, other, heard } = await inTea('edda');
    person.type('still here');
    await person.see(/still here$/);
    for (const [index, size] of [9_000, 20_000, 100_000].entries()) {
      person.paste('0123456789abcde\n'.repeat(size / 16));
      const refused = `(the paste has \\d+ bytes.* so it was ignored\\s[\\s\\S]*){${index + 1}}`;
      await person.see(new RegExp(`${refused}edda #tea> still here$`));
    }
    person.paste('x'.repeat(9_000));
    await person.see('the paste has 9000 bytes');
    person.press('Enter');
    await heard('still here');
    other.close();
  });

  it('answers a question if it is one line, and none of its lines answers the next question', async () => {
    const { person, other } = await inTea('faye');
    person.say('/password');
    await person.see(/Current password:$/);
    person.paste('secret of faye\nanother secret\nanother secret\n');
    await person.see(/several lines, but an answer is one[\s\S]*Current password:$/);
    person.paste('secret of faye\n');
    person.press('Enter');
    await person.see(/New password:$/);
    person.paste('another\u0007 secret');
    await person.see(/control characters[\s\S]*New password:$/);
    for (let times = 0; times < 2; times += 1) {
      person.paste('another secret');
      person.press('Enter');
    }
    await person.see('your password was changed');
    expect(person.output()).not.toMatch(/secret of|another/);
    other.close();
  });
});

/** Shell commands that create files, and a count of those created. */
function trap(name: string): { readonly lines: string; sprung(): number } {
  const made = join(folder, name);
  mkdirSync(made);
  const lines = Array.from({ length: 400 }, (_, index) => `touch '${join(made, String(index))}'`).join('\n');
  return { lines: `${lines}\n`, sprung: () => readdirSync(made).length };
}

async function register(user: string): Promise<void> {
  const client = await TestClient.register(server.address, user, `secret of ${user}`);
  client.close();
}

/** The command that starts the client, and writes its process id to the file `pid`. */
function clientOf(user: string, ...node: string[]): string {
  const words = [process.execPath, ...node, PARLEY, 'connect', ...login(folder, user, server.address)];
  return `sh -c 'echo $$ > pid; exec "$0" "$@"' ${words.map((word) => `'${word}'`).join(' ')}`;
}

/** A client started from a shell with job control. */
async function enterAsJob(user: string): Promise<Person> {
  await register(user);
  const shell = openShell(folder, user);
  await shell.see(/^shell\$$/);
  shell.say(clientOf(user));
  await shell.see(new RegExp(`${user}>$`));
  return shell;
}

/** A client followed by a shell that reads from the same terminal. */
async function enterBeforeShell(user: string, ...node: string[]): Promise<Person> {
  await register(user);
  const person = openShell(folder, user, clientOf(user, ...node));
  await person.see(new RegExp(`${user}>$`));
  return person;
}

/** Whether the last bracketed paste sequence switched it on. */
function isOn({ output }: Person): boolean {
  return output().lastIndexOf('\u001b[?2004h') > output().lastIndexOf('\u001b[?2004l');
}

function kill({ cwd }: Person, signal: NodeJS.Signals): void {
  process.kill(Number(readFileSync(join(cwd, 'pid'), 'utf8')), signal);
}

/** A module that throws an uncaught exception once a file of that name exists. */
function bomb(user: string): string {
  const file = join(folder, `${user}.mjs`);
  const fuse = JSON.stringify(join(folder, user, 'fuse'));
  writeFileSync(
    file,
    `import { existsSync } from 'node:fs';
    setInterval(() => { if (existsSync(${fuse})) throw new Error('boom'); }, 20).unref();`,
  );
  return file;
}

/** What is typed, and what else happens. */
const WAYS_OUT: ReadonlyArray<readonly [string, string, (person: Person) => void]> = [
  ['/quit', '/quit\r', () => {}],
  ['Ctrl-D', '\u0004', () => {}],
  ['Ctrl-C', '\u0003\u0003', () => {}],
  ['SIGTERM', '', (person) => kill(person, 'SIGTERM')],
  ['SIGHUP', '', (person) => kill(person, 'SIGHUP')],
  ['SIGINT', '', (person) => kill(person, 'SIGINT')],
  ['a crash', '', ({ cwd }) => writeFileSync(join(cwd, 'fuse'), '')],
];

describe.each(WAYS_OUT)('after %s', (way, typed, leave) => {
  it('the terminal is restored, and its remaining input is not run', async () => {
    const user = `out.${way.replaceAll(/\W/g, '')}`;
    const { lines, sprung } = trap(`trap.${user}`);
    const person = await enterBeforeShell(user, '--import', bomb(user));
    await until('bracketed paste to be on', () => isOn(person));
    // Without markers, as in a terminal that has none; everything arrives before the client does anything.
    kill(person, 'SIGSTOP');
    person.paste(typed + lines, { isBracketed: false });
    leave(person);
    kill(person, 'SIGCONT');
    await person.see(/shell\$$/);
    expect(isOn(person)).toBe(false);
    person.say('stty -a | grep -ow -- "-\\?icanon"');
    await person.see(/^icanon\nshell\$$/m);
    expect(sprung()).toBe(0);
  });
});

describe('while the client is stopped', () => {
  it.each<[string, (shell: Person) => void]>([
    ['Ctrl-Z', (shell) => shell.press('C-z')],
    ['SIGTSTP', (shell) => kill(shell, 'SIGTSTP')],
  ])('by %s, bracketed paste is off', async (way, stop) => {
    const shell = await enterAsJob(`stop.${way.replaceAll(/\W/g, '')}`);
    await until('bracketed paste to be on', () => isOn(shell));
    shell.type('half a line');
    await shell.see(/half a line$/);
    stop(shell);
    await shell.see(/Stopped[\s\S]*shell\$$/);
    expect(isOn(shell)).toBe(false);
    shell.say('fg');
    await shell.see(/fg\n[\s\S]*> half a line$/);
    await until('bracketed paste to be on again', () => isOn(shell));
  });
});

it('a dumb terminal is sent no escape sequence', async () => {
  const user = 'jill';
  await register(user);
  const shell = openShell(folder, user, `TERM=dumb ${clientOf(user)}; echo "[left $?]"`);
  await shell.see(/jill>$/);
  const begin = shell.output().length;
  shell.type('/jo');
  shell.press('BSpace', 'BSpace', 'Up', 'Left', 'Tab');
  shell.say('join tea');
  await shell.see(/jill #tea>$/);
  shell.say('nobody sees');
  shell.type('a typo');
  shell.press('C-u');
  shell.say('/password');
  await shell.see(/Current password:/);
  shell.type('secret of jill');
  shell.press('C-c');
  await shell.see('your password was not changed');
  shell.type('half');
  shell.press('C-c');
  shell.say('/quit');
  await shell.see('[left 0]');
  const written = shell.output().slice(begin, shell.output().indexOf('[left 0]'));
  expect(written).not.toContain('\u001b');
  expect(written).not.toContain('secret');
  expect(display(shell)).toContain('nobody sees');
  expect(display(shell)).not.toContain('typo');
});
