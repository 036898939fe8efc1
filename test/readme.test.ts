/** Tries what the README and the pages for operators and users say. */

import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { COMMANDS as SLASH_COMMANDS } from '../src/client/commands/commands.ts';
import { VERSION } from '../src/common/version.ts';
import { testFolder } from './support/folder.ts';
import { runScript } from './support/parley.ts';
import { runProcess } from './support/process.ts';
import { PARLEY, startServer } from './support/server.ts';

/** The command that the README tells people to type in a checkout. */
const PROGRAM = fileURLToPath(new URL('../parley', import.meta.url));

const folder = testFolder();
const readme = read('README.md');
const operating = read('docs/operating.md');
const clientPage = read('docs/client.md');

function read(file: string): string {
  return readFileSync(fileURLToPath(new URL(`../${file}`, import.meta.url)), 'utf8');
}

/** The fenced blocks of shell commands. */
function shellBlocks(page: string): string[] {
  return [...page.matchAll(/```sh\n([\s\S]*?)```/g)].map((match) => match[1] ?? '');
}

/** Client commands that a page names, such as `join` in `/join tea`. */
function namedCommands(page: string): string[] {
  return [...page.matchAll(/`\/([a-z-]+)/g)].map((match) => match[1] ?? '');
}

const blocks = shellBlocks(readme);

describe('the README', () => {
  it('gives the two commands', () => {
    expect(blocks.slice(0, 2).map((block) => block.trim())).toEqual([
      'npm install && npm start',
      'npm install && npm test',
    ]);
  });

  it('names only commands of the client that exist', () => {
    const tour = readme.slice(readme.indexOf('| you type'), readme.indexOf('## Run a server'));
    const named = namedCommands(tour);
    expect(named).toContain('join');
    const existing = SLASH_COMMANDS.flatMap(({ name, aliases }) => [name, ...aliases]);
    for (const name of named) expect(existing).toContain(name);
  });

  it('gives commands that run this checkout, and nothing that npm would download', async () => {
    expect(readme).not.toMatch(/npx parley/);
    const version = runProcess(PROGRAM, ['--version'], { cwd: folder });
    expect([(await version.exit()).code, version.stdout()]).toEqual([0, `${VERSION}\n`]);
  });

  it('leads through a tour in which every line works as it stands', async () => {
    const start = readme.indexOf('## Two minutes');
    const tour = readme.slice(start, readme.indexOf('## ', start + 3));
    // Bob comes first, as in the tour: Alice can only write to somebody who is registered.
    expect(tour.indexOf('bob.html')).toBeLessThan(tour.indexOf('Alice'));
    const rows = [...tour.matchAll(/^\| (`.*?`) \| /gm)].map((match) => match[1] ?? '');
    const lines = rows.flatMap((row) => [...row.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? ''));
    expect(lines).toContain('/join tea');
    expect(lines).toContain('/msg bob psst');

    const server = await startServer({ data: join(folder, 'tour') });
    const bob = { folder, user: 'bob', address: server.address, flags: ['--register'] };
    expect((await runScript([], bob)).code).toBe(0);
    const alice = await runScript(lines, { ...bob, user: 'alice' });
    await server.stop();
    expect([alice.code, alice.stderr]).toEqual([0, '']);
  });

  it('has an example for scripts that works as it stands', async () => {
    const script = blocks.find((block) => block.includes('--password-file')) ?? '';
    expect(script).toContain('./parley connect localhost:4040');
    const server = await startServer({ data: join(folder, 'script') });
    const command = script.replace('./parley', PROGRAM).replace('localhost:4040', server.address);
    const shell = runProcess('sh', ['-c', command], { cwd: folder });
    const exit = await shell.exit();
    await server.stop();
    expect([exit.code, shell.stderr()]).toEqual([0, '']);
    expect(readFileSync(join(folder, 'build.html'), 'utf8')).toContain('The build is green.');
    expect(statSync(join(folder, 'robot.secret')).mode & 0o077).toBe(0);
  });
});

describe('docs/operating.md', () => {
  it('lists exactly the options of serve, with their environment variables', async () => {
    const help = runProcess(process.execPath, [PARLEY, 'serve', '--help'], {
      env: { ...process.env, COLUMNS: '500' },
    });
    await help.exit();
    const text = help.stdout().replaceAll(/\s+/g, ' ');
    const existing = [...text.matchAll(/ (--[a-z-]+) [<[].*?env: (PARLEY_[A-Z_]+)/g)];
    const listed = [...operating.matchAll(/^\| `(--[a-z-]+)` +\| `(PARLEY_[A-Z_]+)` +\|/gm)];
    expect(existing.length).toBeGreaterThan(5);
    expect(listed.map(([, flag, variable]) => [flag, variable])).toEqual(
      existing.map(([, flag, variable]) => [flag, variable]),
    );
  });
});

describe('docs/client.md', () => {
  it('lists exactly the commands of the client', () => {
    const commands = clientPage.slice(clientPage.indexOf('## Commands'));
    const existing = SLASH_COMMANDS.map(({ name }) => name);
    expect([...new Set(namedCommands(commands))].sort()).toEqual(existing.sort());
  });

  it('lists exactly the options of connect', async () => {
    const help = runProcess(process.execPath, [PARLEY, 'connect', '--help'], {
      env: { ...process.env, COLUMNS: '500' },
    });
    await help.exit();
    const existing = [...help.stdout().matchAll(/^ +(--[a-z-]+) .*$/gm)].map(([, flag]) => flag);
    const listed = [...clientPage.matchAll(/^\| `(--[a-z-]+)/gm)].map(([, flag]) => flag);
    expect(existing.length).toBeGreaterThan(5);
    expect(listed).toEqual(existing);
  });

  it('has the example for scripts that the README gives', () => {
    expect(shellBlocks(clientPage)).toContain(blocks.find((block) => block.includes('--password-file')));
  });
});
