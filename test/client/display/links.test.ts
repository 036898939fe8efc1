import { expect, test } from 'vitest';
import { findLinks } from '../../../src/client/display/links.ts';
import { useBrowser } from '../../support/browser.ts';
import { messageAt, openWith, shownTexts } from './fixture.ts';

const browser = useBrowser();

/** The links in a text: as written, and the real host if it is spelt differently. */
function linksIn(text: string): string[] {
  return findLinks(text).map(({ start, end, host }) => {
    const written = text.slice(start, end);
    return host === undefined ? written : `${written} [${host}]`;
  });
}

/** The link is the whole text except for what surrounds it. */
const WHOLE = [
  ['', 'https://en.wikipedia.org/wiki/Actor_(programming)', ''],
  ['(see ', 'https://en.wikipedia.org/wiki/Actor_(programming)', ').'],
  ['', 'https://de.wikipedia.org/wiki/Österreich', ', '],
  ['', 'https://ru.wikipedia.org/wiki/Чай', '?'],
  ['(', 'https://example.org/a', ')'],
  ['[tea](', 'https://example.org/a', ') and more'],
  ['<', 'https://example.org/a', '>'],
  ['"', 'https://example.org/a', '"'],
  ["'", 'https://example.org/a', "'"],
  ['„', 'https://example.org/a', '“'],
  ['«', 'https://example.org/a', '», said he'],
  ['‘', 'https://example.org/a', '’'],
  ['**', 'https://example.org/a', '**'],
  ['_', 'https://example.org/', '_'],
  ['见', 'https://example.org/路径', '。然后'],
  ['（见', 'https://example.org/a', '）然后'],
  ['see:', 'https://example.org/a', '...'],
  ['', 'https://example.org/a', '…'],
  ['', 'https://example.org/a.b', '.'],
  ['', 'https://example.org/a', '!'],
  ['', 'https://example.org/a', ';'],
  ['', 'https://example.org/#!/x/~y', ''],
  ['', 'https://example.org/?q=[1]&r={2}&s="t"', ''],
  ['', 'https://example.org/x,y;z', ''],
  ['', 'https://example.org/%zz', ''],
  ['', 'https://example.org/\u{1f375}', ''],
  ['', 'http://localhost:4040/x', ''],
  ['', 'http://127.0.0.1:80', ''],
  ['', 'http://[::1]:4040/', ''],
  ['', 'HTTPS://EXAMPLE.ORG/A', ''],
  ['', 'https://xn--pple-43d.com/', ''],
  ['', `https://example.org/${'long'.repeat(1500)}`, ''],
] as const;

test.each(WHOLE)('%s%s%s', (before, address, after) => {
  expect(linksIn(before + address + after)).toEqual([address]);
});

/** Text that looks like one address and leads to another is shown with its real target. */
test.each([
  ['https://аpple.com/', 'xn--pple-43d.com'],
  ['https://münchen.example/', 'xn--mnchen-3ya.example'],
  ['https://ａpple.com/', 'apple.com'],
  ['https://example.com∕good.org/', 'example.xn--comgood-ef0d.org'],
  ['https://0x7f.1/', '127.0.0.1'],
])('%s leads to %s, and says so', (address, host) => {
  expect(linksIn(address)).toEqual([`${address} [${host}]`]);
});

test.each([
  'example.org and www.example.org',
  'bob@example.org',
  'mailto:bob@example.org',
  'javascript:alert(1)',
  'ftp://example.org/',
  'xhttps://example.org/',
  'https:// and http://[ and https:///x',
  'https://bank.example@evil.example/',
  'https://bank.example:443@evil.example/',
  'https://user:secret@example.org/',
  'https://bank.example\\@evil.example/',
  'https://bank.example／evil.example',
  'https://bank。example/',
  'https://example.org/\u200bx',
  'https://exa\u00admple.org/',
  'https://example.org/\u202egpj.exe',
  'https://example.org\u2066/x',
  'https://example.org/\ufe0fx',
  'https://example.org/\u3164x',
  'https://example.org/wiki/Michelson–Morley',
  'https://example.org/wiki/L’Oréal',
  'https://example.org/(x',
  'https://example.org/<id>/x',
  'https://example.org:99999/',
])('%s has no link', (text) => {
  expect(linksIn(text)).toEqual([]);
});

test('consecutive addresses are separate links', () => {
  expect(linksIn('http://a.example/x,http://b.example/y http://c.example')).toEqual([
    'http://a.example/x',
    'http://b.example/y',
    'http://c.example',
  ]);
});

test('no text of 8 KiB takes long', () => {
  const pieces = [
    'https://a.b/',
    '(',
    '(a',
    '([{',
    '"',
    "'a",
    '.',
    '-',
    '@',
    'a-',
    '–',
    '\u200b',
    '*',
    'https://',
  ];
  const worst = pieces.flatMap((head) =>
    pieces.map((piece) => `https://a.b/${head}${piece.repeat(8192 / piece.length)}`),
  );
  const again = pieces.flatMap((piece) => [
    `https://a.b/${piece}`.repeat(500),
    `https://a.b/${piece.repeat(20)} `.repeat(100),
  ]);
  const before = process.cpuUsage().user;
  for (const text of [...worst, ...again]) findLinks(text);
  // 224 texts take 0.05 s; a backtracking expression would take minutes.
  expect((process.cpuUsage().user - before) / 1e6).toBeLessThan(10);
});

test('in a page a link opens elsewhere, says where it leads, and stays in its own direction', async () => {
  const text = 'שלום https://de.wikipedia.org/wiki/Österreich?a="<b>"&c, https://аpple.com/x';
  const { page } = await openWith(browser, [messageAt(0, { text })]);
  expect(await shownTexts(page)).toEqual([text]);
  const links = page.locator('.text a');
  expect(await links.allTextContents()).toEqual([
    'https://de.wikipedia.org/wiki/Österreich?a="<b>"&c',
    'https://аpple.com/x',
  ]);
  const [plain, alike] = await links.all();
  expect(
    await plain?.evaluate((link) => [
      link.getAttribute('href'),
      link.getAttribute('rel'),
      link.getAttribute('target'),
    ]),
  ).toEqual([
    'https://de.wikipedia.org/wiki/%C3%96sterreich?a=%22%3Cb%3E%22&c',
    'noopener noreferrer',
    '_blank',
  ]);
  expect(await alike?.getAttribute('href')).toBe('https://xn--pple-43d.com/x');
  const shown = await page.evaluate(`[...document.querySelectorAll('.text a')].map((link) =>
    [getComputedStyle(link, '::after').content, getComputedStyle(link).direction, getComputedStyle(link).unicodeBidi].join())`);
  expect(shown).toEqual(['none,ltr,isolate', '" [xn--pple-43d.com]",ltr,isolate']);
});
