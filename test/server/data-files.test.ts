/** How a server treats the files in its folder: it opens none that another user could read or change. */

import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { TestClient } from '../support/client.ts';
import { testFolder } from '../support/folder.ts';
import { runProcess } from '../support/process.ts';
import { PARLEY, startServer } from '../support/server.ts';

const folder = testFolder();
let folders = 0;

/** A data folder that a server has used, with `ann` in it, and a path outside it. */
async function usedFolder(): Promise<{ data: string; outside: string }> {
  folders += 1;
  const data = join(folder, `data-${folders}`);
  const server = await startServer({ data });
  const ann = await TestClient.register(server.address, 'ann');
  await ann.ok('send', 'ann', 'hello');
  await server.stop();
  return { data, outside: join(folder, `outside-${folders}`) };
}

/** The error of a start that must be refused. */
async function refusalOf(data: string): Promise<string> {
  const server = runProcess(process.execPath, [PARLEY, 'serve', '--port', '0', '--data', data]);
  const { code } = await server.exit();
  expect(server.stdout()).toBe('');
  expect(code).toBe(77);
  return server.stderr();
}

const FILES = ['users.txt', 'chat.db', 'search.db', 'tokens.db', 'lock.db'];
const SIDE_FILES = ['chat.db-wal', 'chat.db-shm', 'search.db-wal', 'tokens.db-wal', 'lock.db-journal'];
/** Only root can give files away. */
const canChown = process.geteuid?.() === 0;

describe('is refused with exit code 77', () => {
  it('a symbolic link, dangling or not, and its target is not touched', async () => {
    const { data, outside } = await usedFolder();
    for (const name of [...FILES, ...SIDE_FILES]) {
      const path = join(data, name);
      const isThere = existsSync(path);
      if (isThere) renameSync(path, `${outside}-${name}`);
      else writeFileSync(`${outside}-${name}`, 'somebody else’s');
      const before = readFileSync(`${outside}-${name}`);
      symlinkSync(`${outside}-${name}`, path);
      expect(await refusalOf(data)).toContain(`${path} is a symbolic link`);
      expect(readFileSync(`${outside}-${name}`)).toEqual(before);
      renameSync(path, `${outside}-link`);
      symlinkSync(`${outside}-nowhere`, path);
      expect(await refusalOf(data)).toContain(`${path} is a symbolic link`);
      expect(existsSync(`${outside}-nowhere`)).toBe(false);
      renameSync(path, `${outside}-link`);
      if (isThere) renameSync(`${outside}-${name}`, path);
    }
    await (await startServer({ data })).stop();
  }, 120_000);

  it('a file with a second name', async () => {
    const { data, outside } = await usedFolder();
    for (const name of FILES) {
      linkSync(join(data, name), `${outside}-${name}`);
      expect(await refusalOf(data)).toContain(`${join(data, name)} has 2 names`);
      renameSync(`${outside}-${name}`, join(data, name));
      writeFileSync(`${outside}-copy`, readFileSync(join(data, name)), { mode: 0o600 });
      renameSync(`${outside}-copy`, join(data, name));
    }
    await (await startServer({ data })).stop();
  });

  it('a folder where a file should be', async () => {
    for (const name of FILES) {
      const data = join(folder, `folder-${name}`);
      mkdirSync(join(data, name), { recursive: true, mode: 0o700 });
      expect(await refusalOf(data)).toContain(`${join(data, name)} is not a regular file`);
    }
  });

  it.runIf(canChown)('a file, or a folder, of another user', async () => {
    const { data } = await usedFolder();
    for (const name of ['.', ...FILES]) {
      const path = join(data, name);
      chownSync(path, 4_711, 4_711);
      const text = await refusalOf(data);
      expect(text).toContain(`${path} belongs to the user with id 4711`);
      expect(text).toContain('chown 0 ');
      chownSync(path, 0, 0);
    }
    await (await startServer({ data })).stop();
  });
});

it('files readable by others, and their side files, are made private at the next start', async () => {
  const { data } = await usedFolder();
  const server = await startServer({ data });
  await server.kill();
  for (const name of readdirSync(data)) chmodSync(join(data, name), 0o666);
  const again = await startServer({ data });
  for (const name of readdirSync(data))
    expect([name, statSync(join(data, name)).mode & 0o777]).toEqual([name, 0o600]);
  await TestClient.login(again.address, 'ann');
  await again.stop();
});

it('the folder itself may be reached through a link', async () => {
  const { data, outside } = await usedFolder();
  symlinkSync(data, outside);
  const server = await startServer({ data: outside });
  await TestClient.login(server.address, 'ann');
  await server.stop();
  expect(lstatSync(outside).isSymbolicLink()).toBe(true);
});
