import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { testFolder } from '../support/folder.ts';
import { runProcess } from '../support/process.ts';

const folder = testFolder();
const BIN = fileURLToPath(new URL('../../bin', import.meta.url));
let copies = 0;

/** A copy of the program, in a folder that also contains these folders. */
function copy(...folders: string[]): string {
  copies += 1;
  const path = join(folder, String(copies));
  cpSync(BIN, join(path, 'bin'), { recursive: true });
  for (const name of folders) mkdirSync(join(path, name), { recursive: true });
  return path;
}

/** Runs it with a Node that claims to be that old. */
async function complaint(path: string, version = '20.20.2'): Promise<string> {
  const old = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } });`;
  const args = ['-e', `${old} require(${JSON.stringify(join(path, 'bin', 'parley.js'))})`];
  const run = runProcess(process.execPath, args);
  expect((await run.exit()).code).toBe(1);
  return run.stderr();
}

it('suggests npm install in a fresh checkout with an old Node', async () => {
  const path = copy('src');
  expect(await complaint(path)).toBe(
    'parley needs Node 24.15 or later, and this is 20.20.2.\n' +
      `Run "npm install" in ${path}, which brings a current one along for this folder only, then try again.\n`,
  );
});

it('suggests the Node that npm install has installed', async () => {
  const path = copy('src', 'node_modules/node');
  expect(await complaint(path)).toContain(
    `A current one is in ${path} already: start parley with "npm start"`,
  );
});

it('suggests only nodejs.org in the published package', async () => {
  const text = await complaint(copy('dist'));
  expect(text).toContain('https://nodejs.org/');
  expect(text).not.toContain('npm');
});

it('suggests npm install in a fresh checkout with a current Node', async () => {
  const path = copy();
  cpSync(join(BIN, '../src'), join(path, 'src'), { recursive: true });
  const run = runProcess(process.execPath, [join(path, 'bin/parley.js'), 'serve']);
  expect((await run.exit()).code).toBe(1);
  expect(run.stderr()).toBe(
    `parley: its libraries are missing: run "npm install" in ${path}/, then try again\n`,
  );
});
