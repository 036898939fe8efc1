/** A whole client and its display. */

import { existsSync, symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { testFolder } from '../../support/folder.ts';
import { needs } from '../../support/needs.ts';
import { startScript } from '../../support/parley.ts';
import { runProcess, until } from '../../support/process.ts';
import { ScriptedServer } from '../../support/scripted-server.ts';
import { PARLEY } from '../../support/server.ts';

needs('tmux');
const folder = testFolder();

test.each(['/dev/null', folder])('%s is refused as a display, with exit code 77', async (target) => {
  // Through a link: if this test failed, files would be created beside it.
  const display = join(folder, `to-${basename(target)}`);
  symlinkSync(target, display);
  const server = await ScriptedServer.start();
  const args = ['connect', server.address, '--display', display, '--user', 'alice', '--guest'];
  const client = runProcess(process.execPath, [PARLEY, ...args]);
  client.child.stdin?.end();
  expect(await client.exit()).toEqual({ code: 77, signal: null });
  expect(client.stderr()).toMatch(/^parley: \S+ is a (device|folder), not a file; choose another file\n$/);
  expect(existsSync(`${display}.html`)).toBe(false);
});

test('whatever a server says, it cannot write to the terminal', async () => {
  const odd = '\u001b]0;owned\u0007\u001b[2J\u009b31m\u202e\r\nforged';
  const server = await ScriptedServer.start(({ verb, id, values }, caller) => {
    const answers: Record<string, unknown[]> = {
      hello: ['ok', id, { server: odd, version: odd, name: odd }],
      login: ['ok', id, { user: values[0], rooms: [], motd: odd }],
      who: ['error', id, `odd${odd}`, `text ${odd}`],
      rooms: ['error', id, odd, odd],
      join: ['error', id, 'bad_room', odd],
      history: ['error', id, odd, odd],
      search: ['ok', id, [[[1, 1, 'bob', '#tea', [odd, odd, odd]]], null, true]],
      send: ['error', id, odd, odd],
    };
    const answer = new Map(Object.entries(answers)).get(verb);
    if (answer === undefined) return false;
    caller.send(answer);
    if (verb === 'login') {
      caller.send(['notice', 'warning', odd], ['message', 1, 1, 'bob', 'alice', odd], ['live', 1], [odd, 1]);
    }
    return true;
  });
  const lines = [
    '/who',
    '/rooms',
    '/join tea',
    '/msg bob hi',
    '/history bob',
    '/search tea',
    '/wait-for nothing 0',
  ];
  for (const flags of [[], ['--json']]) {
    const alice = startScript({ folder, user: 'alice', address: server.address, flags });
    for (const line of lines) alice.say(line);
    await server.asked('search', flags.length + 1);
    await until('the last answer', () => (alice.stdout() + alice.stderr()).includes('nothing that contains'));
    server.say(['bye', odd, odd], ['error', null, odd, odd]);
    expect((await alice.end()).code).toBe(1);
    const said = alice.stdout() + alice.stderr();
    expect(said).toContain('owned');
    expect(said.replaceAll('\n', '')).not.toMatch(/\p{Cc}|\p{Bidi_Control}/u);
    expect(said).not.toMatch(/^forged/m);
  }
});
