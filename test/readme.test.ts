/** What the README says is tried out. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { COMMANDS as SLASH_COMMANDS } from '../src/client/commands.ts';
import { testFolder } from './support/folder.ts';
import { passwordFile } from './support/parley.ts';
import { runProcess } from './support/process.ts';
import { PARLEY, startServer } from './support/server.ts';

const folder = testFolder();
const readme = readFileSync(fileURLToPath(new URL('../README.md', import.meta.url)), 'utf8');

/** The fenced blocks of shell commands. */
const blocks = [...readme.matchAll(/```sh\n([\s\S]*?)```/g)].map((match) => match[1] ?? '');

describe('the README', () => {
  it('gives the two commands', () => {
    expect(blocks.slice(0, 2).map((block) => block.trim())).toEqual([
      'npm install && npm start',
      'npm install && npm test',
    ]);
  });

  it('lists the options of serve that there are, with their environment variables', async () => {
    const help = runProcess(process.execPath, [PARLEY, 'serve', '--help'], {
      env: { ...process.env, COLUMNS: '500' },
    });
    await help.exit();
    const text = help.stdout().replaceAll(/\s+/g, ' ');
    const there = [...text.matchAll(/ (--[a-z-]+) [<[].*?env: (PARLEY_[A-Z_]+)/g)];
    const listed = [...readme.matchAll(/^\| `(--[a-z-]+)` +\| `(PARLEY_[A-Z_]+)` +\|/gm)];
    expect(there.length).toBeGreaterThan(5);
    expect(listed.map(([, flag, variable]) => [flag, variable])).toEqual(
      there.map(([, flag, variable]) => [flag, variable]),
    );
  });

  it('names only commands of the client that there are', () => {
    const tour = readme.slice(readme.indexOf('| you type'), readme.indexOf('## Run a server'));
    const named = [...tour.matchAll(/`\/([a-z-]+)/g)].map((match) => match[1]);
    expect(named).toContain('join');
    const there = SLASH_COMMANDS.flatMap(({ name, aliases }) => [name, ...aliases]);
    for (const name of named) expect(there).toContain(name);
  });

  it('has an example for scripts that works', async () => {
    const server = await startServer({ data: join(folder, 'data') });
    const script = blocks.find((block) => block.includes('--password-file')) ?? '';
    expect(script).toContain('npx parley connect localhost:4040');
    const secret = passwordFile(folder, 'the robot secret');
    const command = script
      .replace('npx parley', `${process.execPath} ${PARLEY}`)
      .replace('localhost:4040', server.address)
      .replace('robot.secret', `${secret} --register`);
    const shell = runProcess('sh', ['-c', command], { cwd: folder });
    const exit = await shell.exit();
    await server.stop();
    expect([exit.code, shell.stderr()]).toEqual([0, '']);
    expect(readFileSync(join(folder, 'build.html'), 'utf8')).toContain('The build is green.');
  });
});
