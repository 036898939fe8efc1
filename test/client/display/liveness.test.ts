import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { expect, onTestFinished, test } from 'vitest';
import { mark, useBrowser } from '../../support/browser.ts';
import {
  createFolder,
  messageAt,
  OWN,
  openWith,
  START,
  shownTexts,
  startDisplay,
  startWith,
} from './fixture.ts';

const browser = useBrowser();

/** A page considers the client gone after 8 seconds; the rest allows for a busy machine. */
const IN_TIME = { timeout: 20_000, interval: 50 };

const OPENING = new URL('../../../src/client/display/open-display.ts', import.meta.url).href;

/** A display in its own process, with one stored message and one pending. */
async function startClient(file: string): Promise<ChildProcess> {
  const records = [
    { type: 'connection', state: 'connected', at: START, text: 'connected to tea.example as alice' },
    messageAt(1, { ...OWN, text: 'stored' }),
    messageAt(2, { ...OWN, id: null, tag: 'a', text: 'not stored' }),
  ];
  const program = `
    import { openDisplay } from ${JSON.stringify(OPENING)};
    const { display } = await openDisplay(${JSON.stringify(file)}, { title: 'alice' });
    display.connection({ state: 'online' });
    await display.append(${JSON.stringify(records)});
    console.log('open');
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  await new Promise((resolve) => child.stdout.once('data', resolve));
  return child;
}

const statusOf = (page: Page) => page.locator('#status').textContent();
const statesOf = (page: Page) => page.locator('.message .state').allTextContents();

const CONNECTED = 'connected to tea.example as alice · 14:05';
const NO_SIGN = /^The client has not responded since \d\d:\d\d$/;

/** Records every text of the status line from now on. */
async function watchStatus(page: Page): Promise<() => Promise<unknown>> {
  await page.evaluate(`
    window.said = [document.getElementById('status').textContent];
    new MutationObserver(() => said.push(document.getElementById('status').textContent))
      .observe(document.getElementById('status'), { childList: true, characterData: true, subtree: true });`);
  return () => page.evaluate('said.join("\\n")');
}

test('a page notices that its client was killed, even if it is opened later', async () => {
  const file = join(createFolder(), 'chat.html');
  const client = await startClient(file);
  const page = await browser.open(file);
  await expect.poll(() => statusOf(page), IN_TIME).toBe(CONNECTED);
  expect(await statesOf(page)).toEqual(['Stored', 'Sending…']);
  client.kill('SIGKILL');
  await expect.poll(() => statusOf(page), IN_TIME).toMatch(NO_SIGN);
  expect(await page.locator('#status').getAttribute('data-state')).toBe('lost');
  // No client is running that could send it, and it is unknown whether it was sent.
  expect(await statesOf(page)).toEqual(['Stored', 'Not acknowledged']);

  const later = await browser.open(file);
  const said = await watchStatus(later);
  await expect.poll(() => statusOf(later), IN_TIME).toMatch(NO_SIGN);
  expect(await said()).not.toContain('connected');
  expect(await statesOf(later)).toEqual(['Stored', 'Not acknowledged']);

  const next = await startDisplay(file);
  next.connection({ state: 'online' });
  await next.append([messageAt(5)]);
  for (const each of [page, later]) {
    await expect.poll(() => shownTexts(each).catch(() => []), IN_TIME).toEqual(['message 5']);
    expect(await statusOf(each)).toBe('connected');
  }
}, 90_000);

test('a page notices that its client was stopped, and that it continues', async () => {
  const file = join(createFolder(), 'chat.html');
  const client = await startClient(file);
  const page = await browser.open(file);
  const isSame = await mark(page);
  await expect.poll(() => statusOf(page), IN_TIME).toBe(CONNECTED);
  client.kill('SIGSTOP');
  await expect.poll(() => statusOf(page), IN_TIME).toMatch(NO_SIGN);
  client.kill('SIGCONT');
  await expect.poll(() => statusOf(page), IN_TIME).toBe(CONNECTED);
  expect(await statesOf(page)).toEqual(['Stored', 'Sending…']);
  expect(await isSame()).toBe(true);
}, 90_000);

/** Waits for pulses in the live file of a display. */
async function pulses(file: string, count: number): Promise<void> {
  const seen = new Set<string | undefined>();
  const look = async () => {
    const text = await readFile(file.replace('.html', '.live.js'), 'utf8');
    return seen.add(/parleyPulse\((\d+)/.exec(text)?.[1]).size;
  };
  await expect.poll(look, IN_TIME).toBeGreaterThan(count);
}

/** A display that has connected. */
async function startOnline(): ReturnType<typeof startWith> {
  const started = await startWith([{ type: 'connection', state: 'connected', at: START, text: 'Connected' }]);
  started.display.connection({ state: 'online' });
  return started;
}

test('neither setting the clock nor sleep makes a page consider a running client gone', async () => {
  const { file } = await startOnline();
  const page = await browser.open(file);
  await expect.poll(() => statusOf(page), IN_TIME).toBe('Connected · 14:05');
  const said = await watchStatus(page);
  for (const hours of [1, -2]) {
    await page.evaluate(`Date.now = ((now) => () => now() + ${hours} * 3600_000)(Date.now)`);
    await pulses(file, 2);
  }
  // As if the page's own clock had advanced during the sleep.
  await page.evaluate('performance.now = ((now) => () => now() + 60_000)(performance.now.bind(performance))');
  await pulses(file, 2);
  await expect.poll(() => statusOf(page), IN_TIME).toBe('Connected · 14:05');
  expect(await said()).not.toContain('has not responded');
});

test('a page without its live file stays readable, and does not say that it is connected', async () => {
  const { file, display } = await startOnline();
  await display.append([messageAt(0), messageAt(1)]);
  const copy = join(createFolder(), 'chat.html');
  await copyFile(file, copy);
  const page = await browser.open(copy);
  const isSame = await mark(page);
  const said = await watchStatus(page);
  await expect.poll(() => statusOf(page), IN_TIME).toBe('The client has not responded');
  expect(await shownTexts(page)).toEqual(['message 0', 'message 1']);
  expect(await isSame()).toBe(true);
  expect(await said()).not.toContain('Connected');
});

test('a live file that was removed is created again', async () => {
  const { file, display } = await startOnline();
  const page = await browser.open(file);
  await expect.poll(() => statusOf(page), IN_TIME).toBe('Connected · 14:05');
  const live = file.replace('.html', '.live.js');
  await rm(live);
  await expect.poll(() => existsSync(live), IN_TIME).toBe(true);
  await rm(live);
  await expect.poll(() => statusOf(page), IN_TIME).toBe('Connected · 14:05');
  await display.append([messageAt(1)]);
  await expect.poll(() => shownTexts(page), IN_TIME).toEqual(['message 1']);
});

test('the page itself counts down to the next attempt', async () => {
  const { display, page } = await openWith(browser, [
    {
      type: 'connection',
      state: 'lost',
      at: START,
      text: 'connection lost: the server closed the connection',
    },
  ]);
  const said = await watchStatus(page);
  display.connection({ state: 'waiting', retryIn: 4_000 });
  const reason = ' · connection lost: the server closed the connection · 14:05';
  await expect.poll(() => statusOf(page), IN_TIME).toBe(`offline, next try in 0 s${reason}`);
  for (const seconds of [3, 2, 1, 0])
    expect(await said()).toContain(`offline, next try in ${seconds} s${reason}`);
  expect(await said()).not.toContain('in 5 s');
  // A countdown that changes every second is not read out.
  expect(await page.getByRole('status').ariaSnapshot()).not.toContain('next try');
  display.connection({ state: 'connecting' });
  await expect.poll(() => statusOf(page), IN_TIME).toBe(`connecting${reason}`);
});
