/** A whole client and its display. */

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { SOON, useBrowser } from '../../support/browser.ts';
import { testFolder } from '../../support/folder.ts';
import { needs } from '../../support/needs.ts';
import { passwordFile, startScript } from '../../support/parley.ts';
import { runProcess, until } from '../../support/process.ts';
import { ScriptedServer } from '../../support/scripted-server.ts';
import { PARLEY } from '../../support/server.ts';
import { startTerminal } from '../../support/terminal.ts';

needs('tmux');
const browser = useBrowser();
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

test('a client whose folder is removed continues, says so once, and completes the page when it can', async () => {
  const home = join(folder, 'removed');
  mkdirSync(home);
  const server = await ScriptedServer.start();
  const alice = startScript({ folder: home, user: 'alice', address: server.address });
  alice.say('/msg bob one');
  await server.asked('send');
  await until(
    'the page',
    () => existsSync(alice.display) && readFileSync(alice.display, 'utf8').includes('>one<'),
  );
  rmSync(home, { recursive: true });
  alice.say('/msg bob two');
  await server.asked('send', 2);
  await until('the trouble', () => alice.stderr().includes('its folder does not exist'));
  alice.say('/msg bob three');
  await server.asked('send', 3);
  mkdirSync(home);
  await alice.see('it continues in a new page');
  expect(await alice.end()).toEqual({ code: 0, signal: null });
  expect(alice.stderr().match(/cannot write the display/g)).toHaveLength(1);
  const page = readFileSync(alice.display, 'utf8');
  expect([...page.matchAll(/>(one|two|three)</g)].map(([, text]) => text)).toEqual(['two', 'three']);
  expect(readdirSync(home).sort()).toEqual(['alice.html', 'alice.live.js']);
}, 60_000);

test('prompt and page count down the same seconds to every attempt', async () => {
  let isThere = true;
  const server = await ScriptedServer.start((_, caller) => {
    if (!isThere) caller.drop();
    return !isThere;
  });
  const cwd = join(folder, 'counting');
  mkdirSync(cwd);
  const password = passwordFile(folder, 'secret of gina');
  const login = ['--user', 'gina', '--password-file', password, '--display', 'chat'];
  const gina = startTerminal(process.execPath, [PARLEY, 'connect', server.address, ...login], {
    cwd,
    columns: 80,
  });
  await gina.see(/gina>$/);
  const page = await browser.open(join(cwd, 'chat.html'));
  const status = async () => String(await page.locator('#status').textContent());
  await expect.poll(status, SOON).toMatch(/^connected to 127/);
  isThere = false;
  server.hangUp();
  const secondsIn = (text: string) => Number(/next try in (\d+) s/.exec(text)?.[1] ?? Number.NaN);
  const pairs: Array<[number, number]> = [];
  // The delay between attempts grows: some are more than two seconds apart.
  await until(
    'a count of three seconds in both',
    async () => {
      const [prompt, shown] = [gina.screen().trimEnd().split('\n').at(-1) ?? '', await status()];
      if (/next try/.test(prompt) && /next try/.test(shown))
        pairs.push([secondsIn(prompt), secondsIn(shown)]);
      return pairs.some(([prompt, shown]) => prompt >= 3 && shown >= 3) && pairs.length > 20;
    },
    { timeoutMs: 60_000, state: () => JSON.stringify(pairs) },
  );
  // Reading both takes a moment, in which one may have counted on, or started the next attempt.
  const near = pairs.filter(([prompt, shown]) => Math.abs(prompt - shown) <= 1);
  expect(near.length / pairs.length).toBeGreaterThan(0.8);
  isThere = true;
  await expect.poll(status, { timeout: 40_000, interval: 50 }).toMatch(/^connected to 127/);
  await gina.see(/gina>$/);
}, 120_000);

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
}, 60_000);
