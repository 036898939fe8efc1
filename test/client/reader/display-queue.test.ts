import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import type { DisplayRecord } from '../../../src/client/display/display-record.ts';
import { openDisplay } from '../../../src/client/display/open-display.ts';
import { DisplayQueue, type DisplayStatus } from '../../../src/client/reader/display-queue.ts';
import { testFolder } from '../../support/folder.ts';
import { until } from '../../support/process.ts';

const folder = testFolder();
let recorders = 0;

/** A display queue with its display in a folder of its own. */
async function startDisplayQueue({ limit = 1_000_000 } = {}) {
  recorders += 1;
  const home = join(folder, String(recorders));
  mkdirSync(home);
  const file = join(home, 'chat.html');
  const statuses: DisplayStatus[] = [];
  const displayQueue = new DisplayQueue((status) => statuses.push(status));
  const open = (keep: boolean) => openDisplay(file, { title: 'alice', keep, limit });
  const opened = await open(false);
  if (opened.type === 'refused') throw new Error(opened.text);
  displayQueue.open(opened.display, () => open(true));
  onTestFinished(async () => void (await displayQueue.close()));
  let written = 0;
  /** Adds messages with these ids. */
  const add = (...records: DisplayRecord[]): void => {
    for (const record of records) {
      displayQueue.add({
        record,
        written: () => {
          written += 1;
        },
      });
    }
  };
  return {
    home,
    file,
    statuses,
    displayQueue,
    add,
    written: () => written,
    whenWritten: (count: number) =>
      until(`${count} records`, () => written >= count, { state: () => JSON.stringify(statuses) }),
  };
}

function message(id: number, text = `message ${id}.`): DisplayRecord {
  return { type: 'message', id, at: id, from: 'bob', to: '#tea', text, own: false };
}

function pending(tag: string): DisplayRecord {
  return {
    type: 'message',
    id: null,
    at: 1,
    from: 'alice',
    to: '#tea',
    text: `${tag} of alice`,
    own: true,
    tag,
  };
}

/** The numbers of the messages in a file, with repeats. */
function messagesIn(file: string): number[] {
  return [...readFileSync(file, 'utf8').matchAll(/message (\d+)\./g)].map(([, id]) => Number(id));
}

const numbers = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);

it('continues in a new page if the display was removed, with the pending messages', async () => {
  const { file, add, whenWritten, statuses } = await startDisplayQueue();
  add(message(1), pending('first'), pending('second'));
  await whenWritten(3);
  add({ type: 'stored', tag: 'first', id: 2, at: 2 });
  await whenWritten(4);
  rmSync(file);
  add(message(3), message(4));
  await whenWritten(6);
  expect(messagesIn(file)).toEqual([3, 4]);
  const page = readFileSync(file, 'utf8');
  expect(page).toContain('second of alice');
  expect(page).not.toContain('first of alice');
  expect(page).toContain('/history brings earlier messages back');
  expect(statuses).toEqual([
    { type: 'recovered', text: expect.stringContaining('it continues in a new page') },
  ]);
  // The new page works like any other.
  rmSync(file);
  add(message(5));
  await whenWritten(7);
  expect(messagesIn(file)).toEqual([5]);
});

it('waits for a folder that was removed, reports the problem once, and then writes everything', async () => {
  const { home, file, add, whenWritten, statuses } = await startDisplayQueue();
  add(message(1));
  await whenWritten(1);
  rmSync(home, { recursive: true });
  for (const id of numbers(2, 50)) add(message(id));
  await until('the trouble', () => statuses.length > 0);
  add(message(51));
  // More than one retry.
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  expect(statuses).toEqual([
    { type: 'failed', text: expect.stringContaining('its folder does not exist; create the folder') },
  ]);
  mkdirSync(home);
  await whenWritten(51);
  expect(messagesIn(file)).toEqual(numbers(2, 51));
  expect(statuses.map(({ type }) => type)).toEqual(['failed', 'recovered']);
});

it('never overwrites a file that replaced the display', async () => {
  const { file, home, add, whenWritten, statuses } = await startDisplayQueue();
  add(message(1));
  await whenWritten(1);
  writeFileSync(join(home, 'notes'), 'work of years');
  renameSync(join(home, 'notes'), file);
  add(message(2));
  await until('the trouble', () => statuses.length > 0);
  expect(statuses).toEqual([{ type: 'failed', text: expect.stringContaining('is not a Parley display') }]);
  expect(readFileSync(file, 'utf8')).toBe('work of years');
  renameSync(file, join(home, 'notes'));
  await whenWritten(2);
  expect(messagesIn(file)).toEqual([2]);
  expect(readFileSync(join(home, 'notes'), 'utf8')).toBe('work of years');
});

it('renames a page that someone changed', async () => {
  const { file, home, add, whenWritten, statuses } = await startDisplayQueue();
  add(message(1));
  await whenWritten(1);
  writeFileSync(file, 'a note of mine', { flag: 'a' });
  add(message(2));
  await whenWritten(2);
  expect(messagesIn(file)).toEqual([2]);
  expect(readFileSync(join(home, 'chat.earlier.html'), 'utf8')).toMatch(/message 1\..*a note of mine$/s);
  expect(statuses).toEqual([{ type: 'recovered', text: expect.stringContaining('chat.earlier.html') }]);
});

it('leaves the display to another client that has taken it over', async () => {
  const { file, home, add, whenWritten, statuses, written } = await startDisplayQueue();
  add(message(1));
  await whenWritten(1);
  // Without the lock another client takes the display for one that nobody uses.
  rmSync(join(home, '.chat.html.lock'));
  const other = await openDisplay(file, { title: 'bob' });
  if (other.type === 'refused') throw new Error(other.text);
  await other.display.append([message(100)]);
  add(message(2));
  await until('the trouble', () => statuses.length > 0);
  expect(statuses).toEqual([
    { type: 'failed', text: expect.stringContaining('is the display of another running client') },
  ]);
  expect(await other.display.append([message(101)])).toEqual({ type: 'written' });
  expect(messagesIn(file)).toEqual([100, 101]);
  expect(written()).toBe(1);
  await other.display.close();
  await whenWritten(2);
  expect(messagesIn(file)).toEqual([2]);
});

it('starts a new page when one is full, and keeps only one earlier page', async () => {
  const limit = 200_000;
  const { file, home, add, whenWritten, statuses } = await startDisplayQueue({ limit });
  const earlier = join(home, 'chat.earlier.html');
  add(pending('mine'));
  await whenWritten(1);
  let largest = 0;
  const seen = new Set<number>();
  for (let id = 1; id <= 2_000; id += 100) {
    for (const each of numbers(id, id + 99)) add(message(each));
    await whenWritten(id + 100);
    const sizes = readdirSync(home).map((name) => statSync(join(home, name)).size);
    largest = Math.max(
      largest,
      sizes.reduce((sum, size) => sum + size),
    );
    const both = [
      ...(readdirSync(home).includes(basename(earlier)) ? messagesIn(earlier) : []),
      ...messagesIn(file),
    ];
    // The two pages together contain everything, without a gap or a repeat, to the last message.
    expect(both).toEqual(numbers(id + 100 - both.length, id + 99));
    for (const each of both) seen.add(each);
  }
  expect(seen.size).toBe(2_000);
  expect(largest).toBeLessThan(2 * limit + 200_000);
  expect(readdirSync(home).sort()).toEqual([
    '.chat.html.lock',
    'chat.earlier.html',
    'chat.html',
    'chat.live.js',
  ]);
  expect(readFileSync(file, 'utf8')).toContain('<a href="./chat.earlier.html">Earlier messages</a>');
  expect(readFileSync(file, 'utf8')).toContain('mine of alice');
  expect(readFileSync(earlier, 'utf8')).toMatch(
    /This page is full\. It continues in <a href="\.\/chat\.html">chat\.html<\/a>\.<\/p>\n$/,
  );
  expect(statuses).toEqual([]);
});

it('does not overwrite another file when it renames a page', async () => {
  const { home, file, add, whenWritten, statuses } = await startDisplayQueue({ limit: 100_000 });
  const earlier = join(home, 'chat.earlier.html');
  writeFileSync(earlier, 'work of years');
  for (const id of numbers(1, 500)) add(message(id));
  await whenWritten(500);
  add(message(501));
  await until('the trouble', () => statuses.length > 0);
  expect(statuses).toEqual([
    { type: 'failed', text: expect.stringContaining(`${earlier} exists and is not a Parley display`) },
  ]);
  expect(messagesIn(file)).toEqual(numbers(1, 500));
  rmSync(earlier);
  await whenWritten(501);
  expect(messagesIn(file)).toEqual([501]);
  expect(messagesIn(earlier)).toEqual(numbers(1, 500));
});

it('reports at the end how much could not be written', async () => {
  const { home, displayQueue, add, whenWritten, statuses } = await startDisplayQueue();
  add(message(1));
  await whenWritten(1);
  rmSync(home, { recursive: true });
  add(message(2), message(3));
  await until('the trouble', () => statuses.length > 0);
  expect(await displayQueue.close()).toBe(2);
}, 20_000);
