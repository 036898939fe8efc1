import { expect, test } from 'vitest';
import { SOON, useBrowser } from '../../support/browser.ts';
import { messageAt, OWN, openWith, START, shownTexts, startWith } from './fixture.ts';

const browser = useBrowser();

test('consecutive messages of one person have one heading, and each day has one', async () => {
  const { page } = await openWith(browser, [
    messageAt(0),
    messageAt(1),
    messageAt(2, { to: '#ops' }),
    messageAt(3),
    messageAt(3.5, { from: 'mara' }),
    messageAt(4),
    messageAt(10),
    messageAt(24 * 60),
    messageAt(24 * 60 + 1),
  ]);
  const headings = page.locator('.message .head:visible');
  expect((await headings.allTextContents()).map((heading) => heading.trim())).toEqual([
    'bob #tea',
    'bob #ops',
    'bob #tea',
    'mara #tea',
    'bob #tea',
    'bob #tea',
    'bob #tea',
  ]);
  expect((await page.locator('.day').allTextContents()).map((day) => day.replace(',', ''))).toEqual([
    'Tuesday 20 January 2026',
    'Wednesday 21 January 2026',
  ]);
});

test('each kind of record looks different', async () => {
  const { page } = await openWith(browser, [
    { type: 'connection', state: 'connected', at: START, text: 'Connected to localhost' },
    messageAt(1, { ...OWN, to: 'bob' }),
    messageAt(2, { to: 'alice' }),
    { type: 'membership', kind: 'joined', id: messageAt(3).at * 1000, at: START, room: '#tea', user: 'mara' },
    { type: 'membership', kind: 'left', id: messageAt(4).at * 1000, at: START, room: '#tea', user: 'mara' },
    { type: 'presence', kind: 'offline', at: START, user: 'mara' },
    { type: 'notice', level: 'warning', at: START, text: 'a restart is near' },
    { type: 'notice', level: 'error', at: START, text: 'the disk failed' },
    { type: 'answer', at: START, command: '/who #tea', ok: true, lines: ['alice', 'bob'] },
    { type: 'answer', at: START, command: '/jion', ok: false, lines: ['there is no such command'] },
    { type: 'failed', tag: 'unknown', text: 'there is no such user' },
    { type: 'connection', state: 'lost', at: START, text: 'Connection lost' },
  ]);
  const entries = await page
    .locator('.entry')
    .evaluateAll((elements) => elements.map((element) => `${element.className}: ${element.textContent}`));
  expect(entries.map((entry) => entry.replace(/\s+/g, ' ').replace(/Tuesday,? 20 January 2026/, ''))).toEqual(
    [
      'entry connection quiet connected: 14:05 Connected to localhost',
      'entry message direct own: 14:06 alice you to bob message 1Stored',
      'entry message direct: 14:07 bob to you message 2',
      'entry membership quiet: 14:05 mara joined #tea',
      'entry membership quiet: 14:05 mara left #tea',
      'entry presence quiet: 14:05 mara went offline',
      'entry notice warning: 14:05 Warning a restart is near',
      'entry notice error: 14:05 Error the disk failed',
      'entry answer: 14:05 /who #tea alice bob',
      'entry answer error: 14:05 /jion there is no such command',
      'entry failed notice error: Not sent there is no such user',
      'entry connection quiet lost: 14:05 Connection lost',
    ],
  );
  expect(await page.locator('#status').textContent()).toBe('offline · Connection lost · 14:05');
  expect(await page.locator('#status').getAttribute('data-state')).toBe('lost');
});

test('the status line follows the connection', async () => {
  const { display, page } = await openWith(browser);
  const status = page.locator('#status');
  for (const [connection, state, text, shown] of [
    ['connecting', 'connected', 'Connected', 'connecting'],
    ['online', 'connected', 'Connected', 'Connected · 14:05'],
    ['offline', 'lost', 'Connection lost', 'offline · Connection lost · 14:05'],
    ['connecting', 'lost', 'Connection lost', 'connecting · Connection lost · 14:05'],
    ['online', 'connected', 'Connected again', 'Connected again · 14:05'],
  ] as const) {
    display.connection({ state: connection });
    await display.append([{ type: 'connection', state, at: START, text }]);
    await expect.poll(() => status.textContent(), SOON).toBe(shown);
    await expect.poll(() => status.getAttribute('data-state'), SOON).toBe(state);
  }
});

test('the bar selects a conversation, counts unread messages in the others, and is remembered', async () => {
  const { display, page } = await openWith(browser, [
    messageAt(0, { to: '#tea', text: 'tea' }),
    messageAt(1, { to: '#Ops', text: 'ops' }),
    messageAt(2, { from: 'mara', to: 'alice', text: 'hello' }),
    messageAt(3, { ...OWN, to: 'Mara', text: 'hello back' }),
    { type: 'notice', level: 'info', at: START, text: 'notice' },
    { type: 'presence', kind: 'online', at: START, user: 'MARA' },
    { type: 'presence', kind: 'online', at: START, user: 'bob' },
  ]);
  const bar = page.getByRole('navigation', { name: 'Conversations' });
  const labels = () => bar.getByRole('link').allTextContents();
  expect(await labels()).toEqual(['All', '#Ops', '#tea', 'mara']);
  await bar.getByRole('link', { name: 'mara' }).click();
  const visible = async () =>
    (await page.locator('.entry:not([hidden])').allTextContents()).map((text) =>
      text.replace(/^.*\d\d:\d\d /, ''),
    );
  expect((await visible()).map((text) => text.replace(/\s+/g, ' '))).toEqual([
    'mara to you hello',
    'alice you to Mara hello backStored',
    'Notice notice',
    'MARA is online',
  ]);
  expect(await bar.locator('[aria-current]').textContent()).toBe('mara');
  expect(await page.title()).toBe('mara – alice on localhost – Parley');

  await display.append([
    messageAt(5, { to: '#TEA', text: 'more tea' }),
    messageAt(6, { ...OWN, to: '#tea', text: 'my tea' }),
    messageAt(7, { from: 'bob', to: 'alice', text: 'from bob' }),
    messageAt(8, { from: 'mara', to: 'alice', text: 'from mara' }),
  ]);
  await expect.poll(labels, SOON).toEqual(['All2', '#Ops', '#tea1', 'bob1', 'mara']);
  expect(await page.title()).toBe('(2) mara – alice on localhost – Parley');
  expect(await shownTexts(page)).toEqual(['hello', 'hello back', 'from mara']);

  await page.reload();
  expect(await shownTexts(page)).toEqual(['hello', 'hello back', 'from mara']);
  expect(await labels()).toEqual(['All2', '#Ops', '#tea1', 'bob1', 'mara']);
  await bar.getByRole('link', { name: 'All' }).click();
  expect(await labels()).toEqual(['All', '#Ops', '#tea', 'bob', 'mara']);
  expect(await shownTexts(page)).toHaveLength(8);
});

test('without JavaScript everything can be read, and the page refreshes itself', async () => {
  const { file } = await startWith([
    messageAt(0, { text: 'two\nlines' }),
    messageAt(1, { ...OWN, id: null, tag: 'a', text: 'mine' }),
    { type: 'stored', tag: 'a', id: messageAt(1).at * 1000, at: START },
    { type: 'failed', tag: 'b', text: 'there is no such user' },
    messageAt(2, { from: 'mara', to: 'alice', text: 'hello' }),
  ]);
  const page = await browser.open(file, { javaScriptEnabled: false });
  // The text as laid out: hidden text is left out, and each block has its own line.
  const [text = ''] = await page.locator('main').allInnerTexts();
  expect(text.replace(/[^\S\n]+/g, ' ').split(/\s*\n\s*/)).toEqual([
    '2026-01-20 14:05 bob #tea',
    'two',
    'lines',
    '2026-01-20 14:06 alice you #tea',
    'mine',
    'Not sent',
    'there is no such user',
    '2026-01-20 14:07 mara to you',
    'hello',
  ]);
  expect(await page.locator('noscript meta').getAttribute('http-equiv')).toBe('refresh');
});

test('it has its landmarks, and the keyboard reaches the conversations with a visible focus', async () => {
  const { page } = await openWith(browser, [messageAt(0)]);
  for (const role of ['banner', 'navigation', 'main', 'log', 'status'] as const) {
    expect(await page.getByRole(role).count()).toBe(1);
  }
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  expect(await page.evaluate('document.activeElement.textContent')).toBe('#tea');
  expect(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')).toBe('solid');
  await page.keyboard.press('Enter');
  await expect.poll(() => page.locator('nav [aria-current]').textContent(), SOON).toBe('#tea');
});

/** Property names that every plain object has. */
const NAMES = ['constructor', 'toString', 'hasOwnProperty', 'valueOf', 'isPrototypeOf', 'proto'];

test('people may have any valid name', async () => {
  const direct = NAMES.map((from, index) => messageAt(index, { from, to: 'alice', text: `from ${from}` }));
  const { file, display } = await startWith([messageAt(-1)]);
  const page = await browser.open(file, { hash: '#in=%23tea' });
  await display.append([...direct, messageAt(10, { ...OWN, to: 'constructor' })]);
  const labels = () => page.getByRole('navigation').getByRole('link').allTextContents();
  const sorted = NAMES.map((name) => name.toLowerCase()).sort();
  const expected = [
    'All6',
    '#tea',
    ...NAMES.toSorted((a, b) => sorted.indexOf(a.toLowerCase()) - sorted.indexOf(b.toLowerCase())).map(
      (name) => `${name}1`,
    ),
  ];
  await expect.poll(labels, SOON).toEqual(expected);
  expect(await page.title()).toBe('(6) #tea – alice on localhost – Parley');
  await page.reload();
  expect(await labels()).toEqual(expected);
  await page.goto(`${page.url().replace(/#.*/, '')}#in=constructor`);
  await expect.poll(() => shownTexts(page), SOON).toEqual(['from constructor', 'message 10']);
  expect(await page.title()).toBe('(5) constructor – alice on localhost – Parley');
});

test('an invalid time becomes the nearest valid one, and the page keeps working', async () => {
  const times = [2 ** 53 - 1, -1, Number.NaN, Number.POSITIVE_INFINITY, 8.64e15];
  const { file, display } = await startWith(
    times.map((at, index) => messageAt(index, { at, text: `at ${at}` })),
  );
  await display.append([messageAt(9, { ...OWN, id: null, tag: 'a', text: 'mine' })]);
  const page = await browser.open(file);
  const expected = [...times.map((at) => `at ${at}`), 'mine'];
  expect(await shownTexts(page)).toEqual(expected);
  await display.append([
    { type: 'stored', tag: 'a', id: messageAt(9).at * 1000, at: 2 ** 53 - 1 },
    messageAt(10),
  ]);
  await expect.poll(() => shownTexts(page), SOON).toEqual([...expected, 'message 10']);
});
