import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { SOON, useBrowser } from '../../support/browser.ts';
import { createFolder, messageAt, shownTexts, startDisplay } from './fixture.ts';

const browser = useBrowser();

test('injected content can neither run scripts nor style the page', async () => {
  const folder = createFolder();
  const file = join(folder, 'chat.html');
  const display = await startDisplay(file);
  await display.append([messageAt(0)]);
  await display.close();
  await writeFile(join(folder, 'evil.js'), 'window.injected = "sibling"');
  const attack = `
    <script>window.injected = 'inline'</script>
    <script src="evil.js"></script>
    <script type="module" src="./evil.js"></script>
    <img src="x" onerror="window.injected = 'handler'">
    <svg onload="window.injected = 'handler'"></svg>
    <iframe srcdoc="<script>parent.injected = 'frame'</script>"></iframe>
    <a id="evil" href="javascript:window.injected = 'link'">evil</a>
    <style>#log { display: none }</style><p id="styled" style="display: none">styled</p>
    <base href="https://example.org/">`;
  await appendFile(file, attack);
  const page = await browser.open(file, { faulty: true });
  await page.locator('#evil').click({ noWaitAfter: true });
  await page.locator('#log').evaluate((log, html) => log.insertAdjacentHTML('beforeend', html), attack);
  await expect.poll(() => page.locator('img').count(), SOON).toBe(2);
  await page.waitForTimeout(500);
  expect(await page.evaluate('String(window.injected)')).toBe('undefined');
  expect(await page.evaluate('document.baseURI')).toBe(page.url());
  expect(await page.locator('#styled').first().isVisible()).toBe(true);
  expect(await shownTexts(page)).toEqual(['message 0']);

  // Without its policy the same page is compromised, so the attack is a real one.
  const html = await readFile(file, 'utf8');
  await writeFile(file, html.replace(/<meta http-equiv="Content-Security-Policy"[^>]*>/, ''));
  const open = await browser.open(file, { faulty: true });
  await expect.poll(() => open.evaluate('String(window.injected)'), SOON).not.toBe('undefined');
});
