import { join } from 'node:path';
import type { Locator } from 'playwright-core';
import { expect, test } from 'vitest';
import {
  createFolder,
  messageAt,
  messagesBetween,
  SOON,
  shownTexts,
  startDisplay,
  useBrowser,
} from './fixture.ts';

const browser = useBrowser();

/** Generous for a slow machine that does other things: several times of what they take. In ms. */
const OPENING = 15_000;
const UPDATE = 3_000;

test('a display of 20,000 messages opens, follows and changes its conversation quickly', async () => {
  const file = join(createFolder(), 'chat.html');
  const display = await startDisplay(file);
  for (let minute = 0; minute < 20_000; minute += 1000) {
    await display.append(messagesBetween(minute, minute + 1000, minute % 3000 === 0 ? { to: '#ops' } : {}));
  }
  const started = performance.now();
  const page = await browser.open(file);
  const last = page.locator('.block:last-child > .entry:last-child .text');
  expect(await last.textContent()).toBe('message 19999');
  await expect.poll(() => isInSight(last), SOON).toBe(true);
  expect(performance.now() - started).toBeLessThan(OPENING);

  for (let minute = 20_000; minute < 20_005; minute += 1) {
    const appended = performance.now();
    await display.append([messageAt(minute)]);
    await expect.poll(() => last.textContent(), { ...SOON, interval: 10 }).toBe(`message ${minute}`);
    await expect.poll(() => isInSight(last), SOON).toBe(true);
    expect(performance.now() - appended).toBeLessThan(UPDATE);
  }

  const chosen = performance.now();
  await page.getByRole('link', { name: '#ops' }).click();
  const lastOfOps = page.locator('.entry:not([hidden]) .text').last();
  await expect.poll(() => lastOfOps.textContent(), SOON).toBe('message 18999');
  await expect.poll(() => isInSight(lastOfOps), SOON).toBe(true);
  expect(performance.now() - chosen).toBeLessThan(UPDATE);
  expect(await shownTexts(page)).toHaveLength(7000);
});

async function isInSight(locator: Locator): Promise<boolean> {
  const box = await locator.boundingBox();
  return box !== null && box.y >= 0 && box.y + box.height <= 600;
}
