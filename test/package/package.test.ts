import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { TestClient } from '../support/client.ts';
import { testFolder } from '../support/folder.ts';
import { type Exit, type RunningProcess, runProcess, until } from '../support/process.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = testFolder();
const app = `${folder}/app`;
const parley = `${app}/node_modules/.bin/parley`;
const INSTALL_TIMEOUT_MS = 240_000;

/** As from a shell outside any npm script, with this Node first in the path. */
const env = {
  ...Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.toLowerCase().startsWith('npm_')),
  ),
  PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH ?? ''}`,
};

async function run(cwd: string, command: string, ...args: string[]): Promise<[Exit, RunningProcess]> {
  const child = runProcess(command, args, { cwd, env });
  return [await child.exit(INSTALL_TIMEOUT_MS), child];
}

describe('the published package, installed in an empty folder', () => {
  beforeAll(async () => {
    mkdirSync(app);
    const [packed, pack] = await run(root, 'npm', 'pack', '--pack-destination', folder);
    if (packed.code !== 0) throw new Error(pack.stderr());
    const archive = readdirSync(folder).find((name) => name.endsWith('.tgz'));
    writeFileSync(`${app}/package.json`, '{ "private": true }');
    const [installed, install] = await run(app, 'npm', 'install', '--no-audit', `${folder}/${archive}`);
    if (installed.code !== 0) throw new Error(install.stderr());
  }, INSTALL_TIMEOUT_MS);

  it('contains the compiled program and the docs, but neither sources nor tests', () => {
    const names = readdirSync(`${app}/node_modules/parley-chat`, { recursive: true }).map(String);
    expect(names).toContain('dist/cli/main.js');
    expect(names).toContain('dist/actors/registry/registry.worker.js');
    expect(names).toContain('docs/protocol.md');
    expect(names.filter((name) => /^(src|test|bench)\b/.test(name) || name.endsWith('.ts'))).toEqual([]);
  });

  it('has a free name on npm, and the license', () => {
    const names = readdirSync(`${app}/node_modules/parley-chat`);
    expect(names).toContain('LICENSE');
    expect(readdirSync(`${app}/node_modules`)).not.toContain('parley');
  });

  it('prints its version and its commands', async () => {
    const [exit, version] = await run(app, parley, '--version');
    const { version: wanted } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8'));
    expect([exit.code, version.stdout().trim()]).toEqual([0, wanted]);
    const [, help] = await run(app, parley, '--help');
    expect(help.stdout()).toMatch(/serve[\s\S]*connect/);
  });

  it('serves', async () => {
    const server = runProcess(parley, ['serve', '--port', '0', '--workers', '2'], { cwd: app, env });
    const address = await until(
      'the server to listen',
      () => /^listening on (\S+)$/m.exec(server.stdout())?.[1],
      { state: server.stderr },
    );
    const ann = await TestClient.register(address, 'ann');
    await ann.ok('send', 'ann', 'note');
    server.child.kill('SIGTERM');
    expect((await server.exit()).code).toBe(0);
    expect(readdirSync(`${app}/parley-data`).sort()).toEqual([
      'chat.db',
      'lock.db',
      'search.db',
      'tokens.db',
      'users.txt',
    ]);
  });
});

describe('bin/parley.js on a Node that is too old', () => {
  it('says which version is needed and how to get it', async () => {
    // The file itself, with an old Node's version in place of this one's.
    const source = readFileSync(`${root}/bin/parley.js`, 'utf8').replace(/^#!.*/, '');
    for (const old of ['0.10.48', '20.20.2', '24.14.9']) {
      const script = `Object.defineProperty(process.versions, 'node', { value: '${old}' });${source}`;
      const [exit, child] = await run(folder, process.execPath, '--input-type=commonjs', '--eval', script);
      expect(exit.code).toBe(1);
      expect(child.stderr()).toContain(`parley needs Node 24.15 or later, and this is ${old}.`);
      expect(child.stderr()).toContain('https://nodejs.org/');
    }
  });
});
