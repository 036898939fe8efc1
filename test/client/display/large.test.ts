import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { useBrowser } from '../../support/browser.ts';
import { messageAt, messagesBetween, startWith } from './fixture.ts';

const browser = useBrowser();

/** Several times the usual time, in seconds of the processor, so that other load on the machine does not count. */
const OPENING = 6;
const UPDATE = 0.12;
const CHOICE = 2;

/** Deadline for what the page must finish on a busy machine. */
const LATER = { timeout: 20_000, interval: 50 };

test('a display of 20,000 messages opens, follows and changes its conversation quickly', async () => {
  const { file, display } = await startWith();
  for (let minute = 0; minute < 20_000; minute += 1000) {
    await display.append(messagesBetween(minute, minute + 1000, minute % 3000 === 0 ? { to: '#ops' } : {}));
  }
  const page = await browser.open(file);
  await expect.poll(() => lastInSight(page), LATER).toBe('message 19999');
  const work = await meter(page);
  expect(await work()).toBeLessThan(OPENING);

  const isLaidOut = (index: number) =>
    page.evaluate(
      `document.querySelectorAll('.entry')[${index}].checkVisibility({ contentVisibilityAuto: true })`,
    );
  expect(await isLaidOut(19_999)).toBe(true);
  expect(await isLaidOut(10_000)).toBe(false);

  const before = await work();
  for (let minute = 20_000; minute < 20_010; minute += 1) {
    await display.append([messageAt(minute)]);
    await expect.poll(() => lastInSight(page), LATER).toBe(`message ${minute}`);
  }
  expect(((await work()) - before) / 10).toBeLessThan(UPDATE);

  const chosen = await work();
  await page.evaluate("location.hash = '#in=%23ops'");
  await expect.poll(() => lastInSight(page), LATER).toBe('message 18999');
  expect((await work()) - chosen).toBeLessThan(CHOICE);
  expect(await page.evaluate("document.querySelectorAll('.entry:not([hidden])').length")).toBe(7000);
}, 120_000);

/**
 * The text of the last entry shown, if it is within the window. Playwright's own search would cost more than the page.
 */
function lastInSight(page: Page): Promise<unknown> {
  return page.evaluate(`(() => {
    const shown = document.querySelectorAll('.entry:not([hidden]) .text');
    const last = shown[shown.length - 1];
    const { top, bottom } = last.getBoundingClientRect();
    return top >= 0 && bottom <= innerHeight && last.textContent;
  })()`);
}

/** A function that returns how much processor time the page's process has used, in seconds. */
async function meter(page: Page): Promise<() => Promise<number>> {
  const protocol = await page.context().newCDPSession(page);
  await protocol.send('Performance.enable');
  return async () => {
    const { metrics } = await protocol.send('Performance.getMetrics');
    return metrics.find(({ name }) => name === 'ProcessTime')?.value ?? Number.NaN;
  };
}
