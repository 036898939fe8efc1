import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openDisplay } from '../../../src/client/display/open-display.ts';
import { SOON, useBrowser } from '../../support/browser.ts';
import { createFolder, messageAt, messagesBetween, shownTexts, startWith } from './fixture.ts';

const browser = useBrowser();

/**
 * Starts a program in a process whose files the system limits to `kilobytes`, so that writes are cut off as by a full
 * disk.
 */
function startConfined(folder: string, kilobytes: number, program: string): ChildProcess {
  const module = new URL('../../../src/client/display/open-display.ts', import.meta.url);
  const main = join(folder, 'main.mjs');
  writeFileSync(
    main,
    `import { readdirSync, statSync } from 'node:fs';
import { openDisplay } from ${JSON.stringify(module.href)};\n${program}`,
  );
  const shell = ['-c', `ulimit -f ${kilobytes * 2}; exec "$0" "$1"`, process.execPath, main];
  const child = spawn('/bin/sh', shell, { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

/** Runs such a program to its end. Resolves with its output. */
async function runConfined(folder: string, kilobytes: number, program: string): Promise<string> {
  const child = startConfined(folder, kilobytes, program);
  let printed = '';
  child.stdout?.on('data', (data) => {
    printed += String(data);
  });
  await new Promise((resolve) => child.once('close', resolve));
  return printed;
}

test('a write that the disk cuts off leaves a valid page, and later ones work again', async () => {
  const folder = createFolder();
  const file = join(folder, 'chat.html');
  const program = `
    const { display } = await openDisplay(${JSON.stringify(file)}, { title: 'alice' });
    const message = (id, text) => ({ type: 'message', id, at: id, from: 'bob', to: '#tea', own: false, text });
    const size = () => statSync(${JSON.stringify(file)}).size;
    const results = [await display.append([message(1, 'first')])];
    const before = size();
    results.push(
      await display.append([message(2, 'never to be seen'), message(3, 'x'.repeat(200_000))]),
      size() - before,
      await display.append([message(4, 'second')]),
      await Promise.all([5, 6, 7].map((id) => display.append([message(id, id === 6 ? 'y'.repeat(200_000) : 'small')]))),
    );
    console.log(JSON.stringify(results));
    await display.close();`;
  const failed = {
    type: 'failed',
    code: 'disk_full',
    text: `cannot write the display ${file}: the file has reached its maximum size; start the client again for a new one`,
  };
  const written = { type: 'written' };
  const printed = await runConfined(folder, 100, program);
  expect(JSON.parse(printed)).toEqual([written, failed, 0, written, [written, failed, written]]);
  expect(readFileSync(file, 'utf8')).not.toContain('never to be seen');
  const page = await browser.open(file);
  expect(await shownTexts(page)).toEqual(['first', 'second', 'small', 'small']);
});

test('a display that does not fit on the disk is refused, and leaves nothing behind', async () => {
  const folder = createFolder();
  const program = `
    const opened = await openDisplay(${JSON.stringify(join(folder, 'chat.html'))}, { title: 'alice' });
    console.log(JSON.stringify([opened.type, opened.code, readdirSync(${JSON.stringify(folder)})]));`;
  const printed = await runConfined(folder, 4, program);
  expect(JSON.parse(printed)).toEqual(['refused', 'unwritable', ['main.mjs']]);
});

test('simultaneous appends are written in order, up to a limit', async () => {
  const { file, display } = await startWith();
  const results = await Promise.all(messagesBetween(0, 300).map((message) => display.append([message])));
  expect(results.slice(0, 256).every(({ type }) => type === 'written')).toBe(true);
  expect(results[256]).toMatchObject({ type: 'failed', code: 'busy' });
  expect(await display.append([messageAt(300)])).toEqual({ type: 'written' });
  const texts = Array.from(readFileSync(file, 'utf8').matchAll(/message \d+/g), ([text]) => text);
  expect(texts).toEqual([...messagesBetween(0, 256), messageAt(300)].map(({ text }) => text));
  await display.close();
  expect(await display.append([messageAt(301)])).toMatchObject({ type: 'failed', code: 'closed' });
});

test('a live file that cannot be replaced is reported once, the page says so, and updates again when it can', async () => {
  const folder = createFolder();
  const file = join(folder, 'chat.html');
  const problems: Array<string | undefined> = [];
  const opened = await openDisplay(file, { title: 'alice', report: (problem) => problems.push(problem) });
  if (opened.type === 'refused') throw new Error(opened.text);
  const { display } = opened;
  onTestFinished(() => display.close());
  display.connection({ state: 'online' });
  await display.append([messageAt(0)]);
  const page = await browser.open(file);
  const status = () => page.locator('#status').textContent();
  await expect.poll(() => shownTexts(page), SOON).toEqual(['message 0']);
  // The path of its temporary file is taken by a folder.
  const obstacle = join(folder, '.chat.live.js.tmp');
  mkdirSync(obstacle);
  expect(await display.append([messageAt(1)])).toEqual({ type: 'written' });
  await expect
    .poll(status, SOON)
    .toBe('This page cannot update itself at the moment; reload it to see new messages');
  await display.append([messageAt(2)]);
  await page.reload();
  expect(await shownTexts(page)).toEqual(['message 0', 'message 1', 'message 2']);
  expect(problems).toEqual([expect.any(String)]);
  rmSync(obstacle, { recursive: true });
  await expect.poll(status, SOON).toBe('connected');
  await display.append([messageAt(3)]);
  await expect.poll(() => shownTexts(page), SOON).toContain('message 3');
  expect(problems).toEqual([expect.any(String), undefined]);
});

test('a page whose file cannot be written says that new messages are missing', async () => {
  const folder = createFolder();
  const file = join(folder, 'chat.html');
  const program = `
    const { display } = await openDisplay(${JSON.stringify(file)}, { title: 'alice' });
    const message = (id, text) => ({ type: 'message', id, at: id, from: 'bob', to: '#tea', own: false, text });
    display.connection({ state: 'online' });
    await display.append([message(1, 'first')]);
    await display.append([message(2, 'x'.repeat(200_000))]);
    process.stdin.once('data', async () => {
      await display.append([message(3, 'second')]);
    });`;
  const child = startConfined(folder, 100, program);
  await expect.poll(() => existsSync(file), SOON).toBe(true);
  const page = await browser.open(file);
  const status = () => page.locator('#status').textContent();
  await expect.poll(status, SOON).toContain('The client cannot write this page');
  child.stdin?.write('go on\n');
  await expect.poll(status, SOON).toBe('connected');
  expect(await shownTexts(page)).toEqual(['first', 'second']);
});
