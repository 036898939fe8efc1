/** A real browser, as a reader of a display uses it. */

import { pathToFileURL } from 'node:url';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, onTestFinished } from 'vitest';
import { needs } from './needs.ts';

export const BROWSER_ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/**
 * Reports of a script cut short: the browser asked for the size of a live file, and then read the longer one that
 * replaced it. The page gets the whole script at its next check.
 */
const CUT_SHORT =
  /SyntaxError: (Invalid or unexpected token|Unexpected end of input|missing \) after argument list)/;

/** The browser's path. The file's tests are skipped if there is none, except in CI. */
export function needsBrowser(): string {
  return needs('chromium', 'chromium-browser', 'google-chrome');
}

/**
 * One browser for the tests of a file. `open` returns a tab; a test fails if a script in one of its tabs failed, unless
 * the test is about scripts that must fail.
 */
export function useBrowser(): {
  open(file: string, options?: BrowserContextOptions & { hash?: string; faulty?: boolean }): Promise<Page>;
} {
  const program = needsBrowser();
  let browser: Browser | undefined;
  let faults: string[] = [];
  beforeAll(async () => {
    if (program !== '') browser = await chromium.launch({ executablePath: program, args: BROWSER_ARGUMENTS });
  });
  afterAll(async () => {
    await browser?.close();
  });
  afterEach(() => {
    const seen = faults;
    faults = [];
    expect(seen).toEqual([]);
  });
  return {
    async open(file, { hash = '', faulty = false, ...options } = {}) {
      if (browser === undefined) throw new Error('the browser has not been started');
      const context = await browser.newContext({ viewport: { width: 900, height: 600 }, ...options });
      onTestFinished(() => context.close());
      const page = await context.newPage();
      page.on('pageerror', (error) => {
        if (!faulty && !CUT_SHORT.test(String(error))) faults.push(String(error));
      });
      await page.goto(`${pathToFileURL(file)}${hash}`);
      return page;
    },
  };
}

/** Marks the loaded page. Returns a function that tells later whether it is still the same one. */
export async function mark(page: Page): Promise<() => Promise<unknown>> {
  await page.evaluate('window.marked = true');
  return () => page.evaluate('window.marked === true');
}

/** For `expect.poll`: allows a value time to appear. */
export const SOON = { timeout: 10_000, interval: 25 };
