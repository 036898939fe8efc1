/** Data folders written by earlier versions. */

import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { TestClient } from '../support/client.ts';
import { testFolder } from '../support/folder.ts';
import { startServer } from '../support/server.ts';

const folder = testFolder();
const fixture = (name: string): string => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));

/** A folder with that version of `chat.db`, as the server of that time left it. */
function folderOf(version: number): string {
  const data = `${folder}/${version}`;
  mkdirSync(data, { mode: 0o700 });
  copyFileSync(fixture(`folder-v${version}/users.txt`), `${data}/users.txt`);
  const db = new DatabaseSync(`${data}/chat.db`);
  db.exec(readFileSync(fixture(`folder-v${version}/chat.sql`), 'utf8'));
  db.close();
  return data;
}

it('a chat.db of version 3 is upgraded: everything is there, with its id and its time', async () => {
  const data = folderOf(3);
  // The second start finds the result of the first.
  for (const text of ['new', 'newer']) {
    const server = await startServer({ data });
    const ann = await TestClient.connect(server.address);
    const ben = await TestClient.login(server.address, 'ben');
    expect(await ann.ok('login', 'ann', 'secret of Ann', 0)).toMatchObject({ user: 'Ann', rooms: ['#tea'] });
    await ann.event('live');
    expect(ann.events.slice(0, 6)).toEqual([
      ['joined', 1795858425279000, 1795858425279, '#tea', 'Ann'],
      ['joined', 1795858425284000, 1795858425284, '#tea', 'ben'],
      ['message', 1795858425287000, 1795858425287, 'Ann', '#tea', 'hello from version 3', 'key 1'],
      ['message', 1795858425289000, 1795858425289, 'ben', 'Ann', 'psst'],
      ['left', 1795858425291000, 1795858425291, '#tea', 'ben'],
      ['message', 1795858425293000, 1795858425293, 'Ann', '#tea', 'alone now'],
    ]);
    const first = [1795858425287000, 1795858425287];
    expect(await ann.ok('send', '#tea', 'hello from version 3', 'key 1')).toEqual(first);
    expect(await ben.ok('history', '#tea')).toEqual([
      [[...first, 'Ann', '#tea', 'hello from version 3']],
      null,
    ]);
    const sent = await ann.ok('send', 'ben', text);
    expect(await ben.event('message', (e) => e[5] === text)).toEqual([
      'message',
      ...(sent as number[]),
      'Ann',
      'ben',
      text,
    ]);
    await server.stop();
  }
});
