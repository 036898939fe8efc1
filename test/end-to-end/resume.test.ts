/** Nothing is lost and nothing appears twice: real clients, a real server that restarts, a browser. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { messagesOf } from '../client/headless-client.ts';
import { SOON, useBrowser } from '../support/browser.ts';
import { testFolder } from '../support/folder.ts';
import { type RunningScript, runScript, startScript } from '../support/parley.ts';
import { type RunningServer, startServer } from '../support/server.ts';

const folder = testFolder();
const data = join(folder, 'data');
const browser = useBrowser();
let server: RunningServer;

beforeAll(async () => {
  server = await startServer({ data });
});
afterAll(async () => {
  await server.stop();
});

function as(user: string, ...flags: string[]) {
  return { folder, user, password: 'a good secret', address: server.address, flags };
}

function textsOf({ display }: { readonly display: string }): string[] {
  return messagesOf(readFileSync(display, 'utf8')).map(({ text }) => text);
}

it('missed messages arrive at the next login, and only then', async () => {
  await runScript(['/join tea', 'before'], as('ann', '--register'));
  await runScript(['/join tea', 'meanwhile 1', '/msg ann meanwhile 2'], as('ben', '--register'));
  const back = await runScript(['/wait-for meanwhile 2 20'], as('ann'));
  expect(back).toMatchObject({ code: 0, stderr: '' });
  expect(textsOf(back)).toEqual(['meanwhile 1', 'meanwhile 2']);
  // What she has been shown is not shown again, on any device, unless she asks for it.
  const later = await runScript(['/history #tea', '/history ben', '/search "meanwhile 1"'], as('ann'));
  expect(later).toMatchObject({ code: 0, stderr: '' });
  expect(textsOf(later)).toEqual(['before', 'meanwhile 1', 'meanwhile 2']);
  expect(later.stdout).toMatch(/^added 2 earlier messages of #tea .*\nadded 1 earlier message of ben .*\n/);
  expect(later.stdout).toMatch(/ben to #tea: \[meanwhile 1\]\n$/);
});

it('the author sees when a recipient has been shown a message', async () => {
  await runScript([], as('dan', '--register'));
  const cat = startScript(as('cat', '--register', '--json'));
  cat.say('/msg dan are you there?');
  await cat.see('"answer":"send"');
  const page = await browser.open(cat.display);
  const state = () => page.locator('.message .state').textContent();
  await expect.poll(state, SOON).toBe('Stored');
  const dan = startScript(as('dan'));
  await expect.poll(state, SOON).toBe('Delivered');
  const id = cat.json().find(({ answer }) => answer === 'send')?.id;
  expect(cat.json()).toContainEqual({ event: 'delivered', id });
  for (const client of [cat, dan]) expect((await client.end()).code).toBe(0);
});

it.each(['SIGTERM', 'SIGKILL'] as const)(
  'a server that ends by %s while people talk, and comes back, changes nothing for them',
  async (signal) => {
    const room = `#${signal}`;
    const texts = (user: string) => Array.from({ length: 60 }, (_, at) => `${user} says ${at} of ${signal}`);
    const start = async (user: string): Promise<RunningScript> => {
      const client = startScript(as(user, '--register', '--json'));
      client.say(`/join ${room}`);
      await client.see(/"answer":"join".*\n/);
      return client;
    };
    const [eva, fay] = [await start(`eva-${signal}`), await start(`fay-${signal}`)];
    const talk = (client: RunningScript, user: string): void => {
      for (const text of texts(user)) client.say(text);
      client.say(`/wait-for ${user === 'eva' ? 'fay' : 'eva'} says 59 of ${signal} 60`);
    };
    const { port } = server;
    talk(eva, 'eva');
    talk(fay, 'fay');
    await fay.see(/eva says 5 /);
    await (signal === 'SIGTERM' ? server.stop() : server.kill());
    server = await startServer({ data, args: ['--port', String(port)] });
    for (const client of [eva, fay]) {
      expect({ ...(await client.end()), stderr: client.stderr() }).toMatchObject({ code: 0, stderr: '' });
    }
    for (const { display } of [eva, fay])
      expect(readFileSync(display, 'utf8')).toContain('data-state="lost"');
    const [first, second] = [eva, fay].map(({ display }) => messagesOf(readFileSync(display, 'utf8')));
    // The same for both: each message once, everyone's in the order of typing.
    expect(first).toEqual(second);
    const said = (first ?? []).map(({ text }) => text);
    expect(said).toHaveLength(120);
    expect(said.filter((text) => text.startsWith('eva'))).toEqual(texts('eva'));
    expect(said.filter((text) => text.startsWith('fay'))).toEqual(texts('fay'));
    for (const [client, user] of [
      [eva, 'eva'],
      [fay, 'fay'],
    ] as const) {
      const lines = client.json();
      const answers = lines.filter(({ answer }) => answer === 'send').map(({ text }) => text);
      const events = lines.filter(({ event }) => event === 'message').map(({ text }) => text);
      expect(answers).toEqual(texts(user));
      expect(events).toEqual(texts(user === 'eva' ? 'fay' : 'eva'));
    }
  },
  90_000,
);
