import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { mark, SOON, useBrowser } from '../../support/browser.ts';
import { messageAt, messagesBetween, openWith, shownTexts } from './fixture.ts';

const browser = useBrowser();

const distanceToEnd = (page: Page) =>
  page.evaluate('document.documentElement.scrollHeight - innerHeight - Math.round(scrollY)');

/** The text of the first message that ends below the middle of the window. */
const textInSight = async (page: Page) =>
  String(
    await page.evaluate(
      "[...document.querySelectorAll('.entry')].find((entry) => entry.getBoundingClientRect().bottom > 310).querySelector('.text').textContent",
    ),
  );

const topOf = async (page: Page, text: string) =>
  (await page.getByText(text, { exact: true }).boundingBox())?.y ?? Number.NaN;

test('at the end the page follows; further up it keeps its position and offers a way back', async () => {
  const { display, page } = await openWith(browser, messagesBetween(0, 300));
  expect(await distanceToEnd(page)).toBeLessThanOrEqual(1);
  await display.append([messageAt(300, { text: 'two\nlines' })]);
  await expect.poll(() => shownTexts(page), SOON).toContain('two\nlines');
  await expect.poll(() => distanceToEnd(page), SOON).toBeLessThanOrEqual(1);

  await page.mouse.move(450, 300);
  await page.mouse.wheel(0, -3000);
  await expect.poll(() => distanceToEnd(page), SOON).toBeGreaterThan(1000);
  const anchor = await textInSight(page);
  const place = await topOf(page, anchor);
  expect(await page.locator('#latest').isVisible()).toBe(false);
  await display.append(messagesBetween(301, 311));
  await display.append([messageAt(311, { own: true, from: 'alice' })]);
  await expect.poll(() => page.locator('#latest').textContent(), SOON).toBe('10 new messages');
  expect(Math.abs((await topOf(page, anchor)) - place)).toBeLessThan(2);
  await display.append([messageAt(-1, { text: 'from long before' })]);
  await expect.poll(() => shownTexts(page), SOON).toContain('from long before');
  expect(Math.abs((await topOf(page, anchor)) - place)).toBeLessThan(2);
  expect(await page.title()).toBe('(10) alice on localhost – Parley');

  await page.locator('#latest').click();
  expect(await distanceToEnd(page)).toBeLessThanOrEqual(1);
  expect(await page.locator('#latest').isVisible()).toBe(false);
  expect(await page.title()).toBe('alice on localhost – Parley');
});

test('one small step up leaves the end, and coming back follows it again', async () => {
  const { display, page } = await openWith(browser, messagesBetween(0, 100));
  await page.keyboard.press('ArrowUp');
  await expect.poll(() => distanceToEnd(page), SOON).toBeGreaterThan(10);
  const before = Number(await distanceToEnd(page));
  await display.append([messageAt(100)]);
  await expect.poll(() => page.locator('#latest').textContent(), SOON).toBe('1 new message');
  await page.reload();
  expect(await page.locator('#latest').textContent()).toBe('1 new message');
  expect(await distanceToEnd(page)).toBeGreaterThan(before + 10);
  await page.keyboard.press('End');
  await expect.poll(() => page.locator('#latest').isVisible(), SOON).toBe(false);
  await display.append([messageAt(101)]);
  await expect.poll(() => shownTexts(page), SOON).toContain('message 101');
  await expect.poll(() => distanceToEnd(page), SOON).toBeLessThanOrEqual(1);
});

test('a page that missed more than the live file holds reloads itself and keeps its place', async () => {
  const { display, page } = await openWith(browser, messagesBetween(0, 200));
  const isSame = await mark(page);
  await page.mouse.move(450, 300);
  await page.mouse.wheel(0, -2000);
  await expect.poll(() => distanceToEnd(page), SOON).toBeGreaterThan(1000);
  const anchor = await textInSight(page);
  const place = await topOf(page, anchor);
  await display.append(messagesBetween(200, 900));
  await expect.poll(async () => (await shownTexts(page)).length, SOON).toBe(900);
  expect(await isSame()).toBe(false);
  await expect.poll(async () => Math.abs((await topOf(page, anchor)) - place), SOON).toBeLessThan(2);
  expect(await page.locator('#latest').textContent()).toBe('700 new messages');
  expect(await page.title()).toBe('(700) alice on localhost – Parley');
});
