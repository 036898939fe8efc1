import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { BROWSER_ARGUMENTS, needsBrowser, SOON } from '../../support/browser.ts';
import { createFolder, messageAt, messagesBetween, startWith } from './fixture.ts';

const chromium = needsBrowser();

/**
 * A browser tab that receives only protocol commands, because Playwright makes every page believe that it is in front.
 * Returns a function that sends a command and returns its answer as JSON.
 */
async function openTab(file: string): Promise<(method: string, parameters?: object) => Promise<string>> {
  const profile = createFolder();
  const browser = spawn(
    chromium,
    [
      ...BROWSER_ARGUMENTS,
      '--headless',
      '--remote-debugging-port=0',
      `--user-data-dir=${profile}`,
      String(pathToFileURL(file)),
    ],
    { stdio: 'ignore' },
  );
  onTestFinished(async () => {
    const ended = new Promise((resolve) => browser.once('exit', resolve));
    browser.kill();
    await ended;
  });
  const readPort = async () =>
    (await readFile(join(profile, 'DevToolsActivePort'), 'utf8').catch(() => '')).split('\n')[0];
  await expect.poll(readPort, { timeout: 20_000 }).toMatch(/^\d+$/);
  const port = await readPort();
  let address = '';
  await expect
    .poll(async () => {
      const list = await (await fetch(`http://127.0.0.1:${port}/json`)).text();
      address = /ws:[^"]*\/devtools\/page\/[^"]*/.exec(list)?.[0] ?? '';
      return address;
    }, SOON)
    .not.toBe('');
  const socket = new WebSocket(address);
  await new Promise((resolve) => socket.addEventListener('open', resolve));
  const waiting: Array<(answer: string) => void> = [];
  // Events arrive in between; answers arrive in the order of their commands.
  socket.addEventListener('message', ({ data }) => {
    if (String(data).startsWith('{"id":')) waiting.shift()?.(String(data));
  });
  let calls = 0;
  return (method, parameters = {}) => {
    calls += 1;
    socket.send(JSON.stringify({ id: calls, method, params: parameters }));
    return new Promise((resolve) => waiting.push(resolve));
  };
}

test('a page in the background counts unread messages in its title, and marks them read when it comes to the front', async () => {
  const { file, display } = await startWith([messageAt(0)]);
  const send = await openTab(file);
  const read = (expression: string) => send('Runtime.evaluate', { expression });
  const windowId = Number(/"windowId":(\d+)/.exec(await send('Browser.getWindowForTarget'))?.[1]);
  const setWindow = (windowState: string) =>
    send('Browser.setWindowBounds', { windowId, bounds: { windowState } });
  await expect.poll(() => read('document.title'), SOON).toContain('"alice on localhost');
  await setWindow('minimized');
  await expect.poll(() => read('document.visibilityState'), SOON).toContain('hidden');
  await display.append(messagesBetween(1, 4));
  await expect.poll(() => read('document.title'), SOON).toContain('"(3) alice on localhost');
  await setWindow('normal');
  await expect.poll(() => read('document.title'), SOON).toContain('"alice on localhost');
});
