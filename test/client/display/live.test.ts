import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { DisplayRecord } from '../../../src/client/display/display-record.ts';
import { openDisplay } from '../../../src/client/display/open-display.ts';
import { mark, SOON, useBrowser } from '../../support/browser.ts';
import {
  createFolder,
  messageAt,
  messagesBetween,
  OWN,
  openWith,
  START,
  shownTexts,
  startDisplay,
  startWith,
} from './fixture.ts';

const browser = useBrowser();

test('an open page shows what is appended, without a reload', async () => {
  const { display, page } = await openWith(browser);
  const isSame = await mark(page);
  for (let minute = 0; minute < 5; minute += 1) {
    await display.append([messageAt(minute)]);
    await expect.poll(() => shownTexts(page), SOON).toContain(`message ${minute}`);
  }
  expect(await shownTexts(page)).toEqual([0, 1, 2, 3, 4].map((minute) => `message ${minute}`));
  expect(await isSame()).toBe(true);
  await expect.poll(() => page.locator('head script').count(), SOON).toBeLessThanOrEqual(2);
});

test('everything appended before the client exited reaches an open page, and the page says that it exited', async () => {
  const { display, page } = await openWith(browser);
  await display.append([messageAt(0)]);
  await display.append([messageAt(1)]);
  await display.close();
  await expect.poll(() => shownTexts(page), SOON).toEqual(['message 0', 'message 1']);
  await expect.poll(() => page.locator('#status').textContent(), SOON).toContain('The client has exited');
});

test('an own message is pending, then stored or failed', async () => {
  const { display, page } = await openWith(browser);
  const own = { own: true, from: 'alice', id: null };
  const states = () => page.locator('.message .state').allTextContents();
  await display.append([
    messageAt(0, { ...own, tag: 'a' }),
    messageAt(1, { ...own, tag: 'b' }),
    messageAt(2, { ...own, tag: 'c' }),
    messageAt(3, { ...own, tag: 'd' }),
  ]);
  await expect.poll(states, SOON).toEqual(['Sending…', 'Sending…', 'Sending…', 'Sending…']);
  await display.append([
    { type: 'stored', tag: 'a', id: messageAt(0).at * 1000, at: messageAt(0).at },
    { type: 'failed', tag: 'b', text: 'there is no <such> user' },
    { type: 'failed', tag: 'd', text: 'the client ended', isUnsure: true },
  ]);
  const settled = [
    'Stored',
    'Not sent: there is no <such> user',
    'Sending…',
    'Not acknowledged: the client ended',
  ];
  await expect.poll(states, SOON).toEqual(settled);
  await page.reload();
  expect(await states()).toEqual(settled);
});

test('a delivered own message looks and reads different from one that is only stored', async () => {
  const { display, page } = await openWith(browser);
  const isSame = await mark(page);
  const idOf = (minute: number) => messageAt(minute).at * 1000;
  const own = { own: true, from: 'alice' };
  const marks = page.locator('.message .state');
  const states = () => marks.allTextContents();
  await display.append([
    messageAt(0, own),
    messageAt(1, { ...own, id: null, tag: 'a' }),
    messageAt(2, { ...own, id: null, tag: 'b' }),
    messageAt(3, { text: 'of another' }),
  ]);
  await expect.poll(states, SOON).toEqual(['Stored', 'Sending…', 'Sending…']);
  // The delivery of `b` is reported before the page knows which message is `b`.
  await display.append([
    { type: 'delivered', id: idOf(0) },
    { type: 'delivered', id: idOf(2) },
    { type: 'delivered', id: idOf(3) },
    { type: 'stored', tag: 'a', id: idOf(1), at: messageAt(1).at },
    { type: 'stored', tag: 'b', id: idOf(2), at: messageAt(2).at },
  ]);
  const settled = ['Delivered', 'Stored', 'Delivered'];
  await expect.poll(states, SOON).toEqual(settled);
  expect(await isSame()).toBe(true);
  const titles = () => marks.evaluateAll((all) => all.map((mark) => mark.getAttribute('title')));
  expect(await titles()).toEqual(settled);
  // Not by colour alone: a second tick.
  const ticks = await page.evaluate(
    `[...document.querySelectorAll('.message .state')].map((mark) =>
      ['::before', '::after'].filter((tick) => getComputedStyle(mark, tick).content !== 'none').length).join()`,
  );
  expect(ticks).toBe('2,1,2');
  // For a message that is only now shown, because its history was requested.
  await display.append([{ type: 'delivered', id: idOf(-5) }]);
  await display.append([messageAt(-5, own), { type: 'delivered', id: idOf(-5) }]);
  await expect.poll(states, SOON).toEqual(['Delivered', ...settled]);
  await page.reload();
  expect(await states()).toEqual(['Delivered', ...settled]);
  expect(await page.locator('.entry:not(.message)').count()).toBe(0);
});

test('a stored message stays stored, and a repeated one is shown once', async () => {
  const { display, page } = await openWith(browser);
  const own = { own: true, from: 'alice', text: 'mine' };
  const [id, at] = [messageAt(5).at * 1000, messageAt(5).at];
  const shown = async () => [await shownTexts(page), await page.locator('.message .state').allTextContents()];
  await display.append([
    messageAt(0, { ...own, id: null, tag: 'a' }),
    messageAt(1),
    { type: 'stored', tag: 'a', id, at },
    { type: 'failed', tag: 'a', text: 'the answer was lost' },
    { type: 'stored', tag: 'a', id, at },
  ]);
  const expected = [['message 1', 'mine'], ['Stored']];
  await expect.poll(shown, SOON).toEqual(expected);
  await display.append([messageAt(5, own), messageAt(1), messageAt(6, { ...own, id: null, tag: 'b' })]);
  await display.append([{ type: 'stored', tag: 'b', id, at }]);
  await display.append([messageAt(7)]);
  await expect.poll(() => shownTexts(page), SOON).toContain('message 7');
  expect(await shown()).toEqual([['message 1', 'mine', 'message 7'], ['Stored']]);
});

test('an own message whose time is corrected changes the headings around it', async () => {
  const { display, page } = await openWith(browser);
  const own = { own: true, from: 'alice' };
  const heads = () => page.locator('.message .head:visible').count();
  const day = 24 * 60;
  await display.append([messageAt(0, own), messageAt(1, { ...own, id: null, tag: 'a' }), messageAt(2, own)]);
  await expect.poll(() => shownTexts(page), SOON).toHaveLength(3);
  expect([await heads(), await page.locator('.day').count()]).toEqual([1, 1]);
  // The clock of this machine was a day behind.
  await display.append([
    messageAt(day + 2, { ...own, id: null, tag: 'b' }),
    { type: 'stored', tag: 'b', id: messageAt(day + 3).at * 1000, at: messageAt(day + 3).at },
  ]);
  await expect.poll(() => page.locator('.day').count(), SOON).toBe(2);
  await display.append([
    messageAt(3, { ...own, id: null, tag: 'c' }),
    messageAt(3.5, { ...own, id: null, tag: 'd' }),
  ]);
  await expect.poll(() => page.locator('.day').count(), SOON).toBe(3);
  await display.append([
    { type: 'stored', tag: 'c', id: messageAt(day + 4).at * 1000, at: messageAt(day + 4).at },
  ]);
  const states = () => page.locator('.message .state').allTextContents();
  await expect.poll(async () => (await states()).join(), SOON).toMatch(/Stored,Sending…$/);
  // The next entry is from a different day.
  expect(await page.locator('.day').count()).toBe(3);
  await display.append([
    { type: 'stored', tag: 'd', id: messageAt(day + 5).at * 1000, at: messageAt(day + 5).at },
  ]);
  await expect.poll(() => page.locator('.day').count(), SOON).toBe(2);
  expect(await heads()).toBe(2);
});

test('a message is placed by its id, whenever it arrives', async () => {
  const { display, page } = await openWith(browser);
  const notice: DisplayRecord = { type: 'notice', level: 'info', at: START + 3.5 * 60_000, text: 'notice' };
  const pending = messageAt(4, { own: true, from: 'alice', id: null, tag: 'a' });
  await display.append([messageAt(3), notice, pending, messageAt(5), messageAt(6)]);
  await expect.poll(() => shownTexts(page), SOON).toHaveLength(4);
  // History, partly known already; then the own message turns out to be the second to last.
  await display.append([messageAt(1), messageAt(2), messageAt(3), messageAt(5.5)]);
  const at = START + 5.7 * 60_000;
  await display.append([{ type: 'stored', tag: 'a', id: at * 1000, at }]);
  const order = [
    'message 1',
    'message 2',
    'message 3',
    'notice',
    'message 5',
    'message 5.5',
    'message 4',
    'message 6',
  ];
  const all = () => page.locator('.entry .text').allTextContents();
  await expect.poll(all, SOON).toEqual(order);
  expect(await page.locator('.message time').allTextContents()).toEqual([
    '14:06',
    '14:07',
    '14:08',
    '14:10',
    '14:10',
    '14:10',
    '14:11',
  ]);
  await page.reload();
  expect(await all()).toEqual(order);
});

test('a long history is divided into blocks', async () => {
  const { display, page } = await openWith(browser, messagesBetween(2000, 2050));
  for (let end = 2000; end > 1000; end -= 250) {
    await display.append(messagesBetween(end - 250, end));
    await expect.poll(async () => (await shownTexts(page)).length, SOON).toBe(2300 - end);
  }
  expect(await shownTexts(page)).toEqual(messagesBetween(1000, 2050).map(({ text }) => text));
  const sizes = await page
    .locator('.block')
    .evaluateAll((blocks) => blocks.map((block) => block.childElementCount));
  expect(Math.max(...sizes)).toBeLessThanOrEqual(200);
});

test('the live file holds the latest records, few enough to be parsed often', async () => {
  const { file, display } = await startWith(messagesBetween(0, 5000));
  await display.append(messagesBetween(5000, 5010));
  await display.close();
  const live = await readFile(file.replace('.html', '.live.js'), 'utf8');
  expect(live).toMatch(/^\/\* parley live 1 \*\/\nparleyPulse\([\d ,]{31}\);\nparleyLive\(\{.*\}\);\n$/s);
  expect(live.length).toBeLessThan(200_000);
  expect(live.match(/message \d+\b/g)?.at(-1)).toBe('message 5009');
  expect(live.match(/message \d+\b/g)?.length).toBe(300);
});

test('a page beside the live file of another display reloads at most once', async () => {
  const folder = createFolder();
  const file = join(folder, 'chat.html');
  const display = await startDisplay(file);
  await display.append([messageAt(0)]);
  await display.close();
  const copy = join(createFolder(), 'chat.html');
  await copyFile(file, copy);
  const other = await startDisplay(file);
  await other.append([messageAt(1)]);
  await other.close();
  await copyFile(join(folder, 'chat.live.js'), join(copy, '..', 'chat.live.js'));
  const page = await browser.open(copy);
  let loads = 0;
  page.on('load', () => {
    loads += 1;
  });
  await expect.poll(() => loads, SOON).toBe(1);
  await page.waitForTimeout(3000);
  expect(loads).toBe(1);
  expect(await shownTexts(page)).toEqual(['message 0']);
});

test('the live file completes an element that a page read only in part', async () => {
  const folder = createFolder();
  const file = join(folder, 'chat.html');
  const display = await startDisplay(file);
  await display.append([messageAt(0), messageAt(1, { text: 'whole at last', from: 'mara' })]);
  await display.close();
  const html = await readFile(file);
  for (const end of ['</div></div>\n', ' at last</div></div>\n', 'whole at last</div></div>\n', '\n']) {
    const copy = join(createFolder(), 'chat.html');
    await writeFile(copy, html.subarray(0, html.length - end.length));
    await copyFile(join(folder, 'chat.live.js'), join(copy, '..', 'chat.live.js'));
    const page = await browser.open(copy);
    await expect.poll(() => shownTexts(page), SOON).toEqual(['message 0', 'whole at last']);
    expect(await page.locator('.entry').count()).toBe(2);
    expect(await page.locator('.head:visible').count()).toBe(2);
  }
});

test('an open page reloads as the next one when it is full, and the full one links to it', async () => {
  const folder = createFolder();
  const file = join(folder, 'chat.html');
  const earlier = join(folder, 'chat.earlier.html');
  const display = await startDisplay(file);
  await display.append([messageAt(0), messageAt(1, { ...OWN, id: null, tag: 'a', text: 'mine' })]);
  const page = await browser.open(file);
  expect(await shownTexts(page)).toEqual(['message 0', 'mine']);
  await display.finish();
  const opened = await openDisplay(file, { title: 'alice', keep: true });
  if (opened.type === 'refused') throw new Error(opened.text);
  onTestFinished(() => opened.display.close());
  expect(opened.earlier).toBe(earlier);
  opened.display.connection({ state: 'online' });
  await opened.display.append([messageAt(2)]);
  await expect.poll(() => shownTexts(page).catch(() => []), SOON).toEqual(['message 2']);
  expect(await page.locator('#status').textContent()).toBe('connected');
  await page.getByRole('link', { name: 'Earlier messages' }).click();
  await expect.poll(() => shownTexts(page).catch(() => []), SOON).toEqual(['message 0', 'mine']);
  expect(await page.locator('#status').textContent()).toBe('This page is full. It continues in chat.html.');
  expect(await page.locator('.message .state').allTextContents()).toEqual(['Not acknowledged']);
  // It stays as it is, whatever the live file beside it says.
  const isSame = await mark(page);
  await page.waitForTimeout(1500);
  expect(await isSame()).toBe(true);
  await page.getByRole('link', { name: 'chat.html' }).click();
  await expect.poll(() => shownTexts(page).catch(() => []), SOON).toEqual(['message 2']);
});
