import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cleanBlock, cleanLine, scriptLiteral } from '../../../src/common/escape-html.ts';
import { SOON, useBrowser } from '../../support/browser.ts';
import { createFolder, messageAt, openWith, shownTexts, startDisplay, startWith } from './fixture.ts';

const NASTY = [
  '<script>alert(1)</script>',
  '</script><script>alert(1)</script>',
  '</div></div><div class="entry" data-seq="1">',
  '<!--',
  '-->',
  '<![CDATA[',
  ']]>',
  '&lt;',
  '&#0;',
  '&',
  '"',
  "'",
  '`$',
  '\\',
  '\\u003c',
  '\n',
  '\t',
  '\r\n',
  '\u0000',
  '\u001b[31m',
  '\u007f',
  '\u0085',
  '\u009b2J',
  '\u2028',
  '\u2029',
  '\u202e',
  '\u2067',
  '\u2069',
  '\ufeff',
  '\ud800',
  '\u{1f469}\u200d\u{1f680}',
  'שלום',
  'https://example.org/?a=1&b="x"',
  ' ',
];

const text = fc
  .array(fc.oneof(fc.constantFrom(...NASTY), fc.string({ unit: 'binary', maxLength: 8 })), {
    minLength: 1,
    maxLength: 12,
  })
  .map((parts) => parts.join(''));

/** Removes what has no meaning on a page, character by character. */
function expectedOf(source: string): string {
  return Array.from(source.toWellFormed())
    .filter((character) => {
      const code = character.codePointAt(0) ?? 0;
      return code === 9 || code === 10 || (code >= 32 && code < 127) || code > 159;
    })
    .join('');
}

test('a block keeps everything but control characters', () => {
  fc.assert(
    fc.property(text, (source) => {
      expect(cleanBlock(source)).toBe(expectedOf(source));
    }),
  );
});

test('a line has no line breaks, control characters or bidi controls', () => {
  const breaks = [0x0a, 0x09, 0x2028, 0x2029];
  const bidi = [
    0x061c, 0x200e, 0x200f, 0x202a, 0x202b, 0x202c, 0x202d, 0x202e, 0x2066, 0x2067, 0x2068, 0x2069,
  ];
  fc.assert(
    fc.property(text, (source) => {
      const codes = Array.from(expectedOf(source), (character) => character.codePointAt(0) ?? 0);
      const expected = codes
        .filter((code) => !bidi.includes(code))
        .map((code) => (breaks.includes(code) ? 32 : code));
      expect(cleanLine(source)).toBe(expected.map((code) => String.fromCodePoint(code)).join(''));
    }),
  );
});

test('a script literal means the same value and cannot end the script', () => {
  fc.assert(
    fc.property(text, (source) => {
      const literal = scriptLiteral({ source });
      expect(literal).not.toMatch(/[<\u2028\u2029\n]/);
      expect(JSON.parse(literal)).toEqual({ source });
    }),
  );
});

describe('in a browser', () => {
  const browser = useBrowser();

  test('any text comes out as text, from the file and from the live file', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(text, { minLength: 120, maxLength: 120 }), async (texts) => {
        const { file, display } = await startWith();
        const messages = texts.map((source, index) => messageAt(index, { text: source }));
        await display.append(messages.slice(0, 60));
        const page = await browser.open(file);
        const expected = texts.map(expectedOf);
        expect(await shownTexts(page)).toEqual(expected.slice(0, 60));
        await display.append(messages.slice(60));
        await expect.poll(() => shownTexts(page), SOON).toEqual(expected);
        expect(await page.locator('.entry').count()).toBe(120);
        expect(await page.locator('main script').count()).toBe(0);
      }),
      { numRuns: 5 },
    );
  });

  test('names, commands and titles come out as one line of text', async () => {
    const file = join(createFolder(), 'a "quoted" & <odd> #1%.html');
    const display = await startDisplay(file, '<b>"alice" & co</b>');
    const odd = '<i>"\'&\u202e\n</i>';
    await display.append([
      messageAt(0, { from: odd, to: `#${odd}` }),
      { type: 'answer', at: 0, command: `/who ${odd}`, ok: true, lines: [odd, '', odd] },
    ]);
    const page = await browser.open(file);
    expect(await page.title()).toBe('<b>"alice" & co</b> – Parley');
    expect(await page.locator('.message .name').textContent()).toBe('<i>"\'& </i>');
    expect(await page.locator('.message .where').textContent()).toBe('#<i>"\'& </i>');
    expect(await page.locator('nav li').textContent()).toBe('#<i>"\'& </i>');
    expect(await page.locator('.answer .label').textContent()).toBe('/who <i>"\'& </i>');
    expect(await page.locator('.answer .text').textContent()).toBe(`${odd}\n\n${odd}`);
    await display.append([messageAt(1)]);
    await expect.poll(() => shownTexts(page), SOON).toContain('message 1');
  });

  test('matches are marked, each hit is one line, and its text is text', async () => {
    const { file, display } = await startWith();
    const odd = '<i>"\'&\u202e\n</i>';
    const lines = [
      { lead: `bob to #tea${odd}: `, snippet: [`${odd} before `, `<b>${odd}`, ' between\n', 'second', ''] },
      { lead: 'bob to you: ', snippet: ['שלום ', 'kettle', ' עולם'] },
      'there may be more',
    ];
    await display.append([{ type: 'answer', at: 0, command: '/search', ok: true, lines }]);
    const page = await browser.open(file);
    const clean = '<i>"\'& </i>';
    expect(await page.locator('.answer .text').textContent()).toBe(
      [
        `bob to #tea${clean}: ${clean} before <b>${clean} between second`,
        'bob to you: שלום kettle עולם',
        'there may be more',
      ].join('\n'),
    );
    expect(await page.locator('.answer mark').allTextContents()).toEqual([`<b>${clean}`, 'second', 'kettle']);
    expect(await page.locator('.answer :is(i, b)').count()).toBe(0);
    const directions = await page.evaluate(
      "[...document.querySelectorAll('.answer .text bdi')].map((hit) => getComputedStyle(hit).direction).join()",
    );
    expect(directions).toBe('ltr,rtl');
  });

  test('8 KiB without a space stay within the column', async () => {
    const { file, display } = await startWith();
    const long = 'x'.repeat(8192);
    await display.append([messageAt(0, { text: long, from: 'b'.repeat(32) })]);
    const page = await browser.open(file, { viewport: { width: 360, height: 600 } });
    expect(await shownTexts(page)).toEqual([long]);
    const fits = '(element) => element.scrollWidth <= element.clientWidth';
    expect(await page.evaluate(`[...document.querySelectorAll('.entry, .text, html')].every(${fits})`)).toBe(
      true,
    );
  });

  test('bidi controls in a text affect nothing outside it', async () => {
    const { file, display } = await startWith();
    const controls = '\u2069\u2069\u202c\u202e\u2067\u202b';
    await display.append([
      messageAt(0, { text: 'plain', from: 'bob' }),
      messageAt(10, { text: `${controls}abc`, from: 'eve' }),
      messageAt(20, { text: 'plain', from: 'bob' }),
      messageAt(30, { text: 'plain', from: `bob${controls}` }),
    ]);
    const page = await browser.open(file);
    const edges = await page.evaluate(`[...document.querySelectorAll('.message')].map((message) =>
      ['time', '.name', '.where'].map((part) => Math.round(message.querySelector(part).getBoundingClientRect().left)))`);
    expect(edges).toHaveLength(4);
    expect(
      new Set((Array.isArray(edges) ? edges : []).filter((_, index) => index !== 1).map(String)).size,
    ).toBe(1);
  });

  test('a text runs in its own direction, line by line, and its surroundings do not', async () => {
    const { page } = await openWith(browser, [
      messageAt(0, { text: 'שלום' }),
      messageAt(10, { text: 'hello' }),
    ]);
    const directions = await page.evaluate(`[...document.querySelectorAll('.entry, .text')].map((element) =>
      getComputedStyle(element).direction).join(' ')`);
    expect(directions).toBe('ltr rtl ltr ltr');
  });
});
