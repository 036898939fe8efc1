/** The whole system as people use it: a server, three clients, each a process, and a browser showing a display. */

import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mark, SOON, useBrowser } from '../support/browser.ts';
import { testFolder } from '../support/folder.ts';
import { type RunningScript, startScript } from '../support/parley.ts';
import { type RunningServer, startServer } from '../support/server.ts';

const folder = testFolder();
const browser = useBrowser();

describe.each(['1', '2', '5'])('with %s workers', (workers) => {
  const data = join(folder, `data-${workers}`);
  let server: RunningServer;

  beforeAll(async () => {
    server = await startServer({ data, args: ['--workers', workers] });
  });
  afterAll(async () => {
    await server.stop();
  });

  const connect = (user: string, ...flags: string[]): RunningScript =>
    startScript({
      folder,
      user: `${user}${workers}`,
      password: 'a good secret',
      address: server.address,
      flags,
    });

  it('messages of two people appear live in the open page of a third', async () => {
    const [ann, ben, cat] = ['ann', 'ben', 'cat'].map((user) => connect(user, '--register'));
    if (ann === undefined || ben === undefined || cat === undefined) throw new Error('three clients');
    for (const client of [ann, ben, cat]) {
      client.say('/join tea');
      await client.see(/joined #tea/);
    }
    const page = await browser.open(cat.display);
    const isSamePage = await mark(page);
    const texts = (): Promise<string[]> => page.locator('.message .text').allTextContents();

    ann.say('Good morning <b>everybody</b> & "all"');
    await expect.poll(texts, SOON).toContain('Good morning <b>everybody</b> & "all"');
    ben.say(`/msg cat${workers} just for you: مرحبا 🍵`);
    await expect.poll(texts, SOON).toContain('just for you: مرحبا 🍵');
    cat.say('I read you both');
    await expect.poll(texts, SOON).toContain('I read you both');
    expect(await page.locator('.message .text').count()).toBe(3);
    expect(await isSamePage()).toBe(true);

    const other = await browser.open(ann.display);
    const seenByAnn = await other.locator('.message .text').allTextContents();
    expect(seenByAnn).toEqual(['Good morning <b>everybody</b> & "all"', 'I read you both']);

    for (const client of [ann, ben, cat]) {
      client.say('/quit');
      expect((await client.end()).code).toBe(0);
      // Other people's words never appear in the terminal.
      expect(client.stdout() + client.stderr()).not.toMatch(/Good morning|just for you|I read you/);
    }
    // The page can be read when neither client nor server is running.
    await server.stop();
    const later = await browser.open(cat.display, { javaScriptEnabled: false });
    expect(await later.locator('.message .text').allTextContents()).toHaveLength(3);
    server = await startServer({ data, args: ['--workers', workers] });
  });

  it('a returning user is still in the room', async () => {
    const [ann, ben] = [connect('ann'), connect('ben')];
    ann.say('/to #tea');
    ann.say('back again');
    await ann.see('plain text now goes to #tea');
    ben.say('/to #tea');
    ben.say('me too');
    ben.say('/who tea');
    await ben.see(/3 members in #tea, 2 online/);
    for (const client of [ann, ben]) expect((await client.end()).code).toBe(0);
  });
});
