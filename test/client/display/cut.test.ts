import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { useBrowser } from '../../support/browser.ts';
import { createFolder, messageAt, shownTexts, startDisplay } from './fixture.ts';

const browser = useBrowser();

test('a file cut off at any byte is a page that shows everything before the cut', async () => {
  const folder = createFolder();
  const display = await startDisplay(join(folder, 'whole.html'));
  const texts = Array.from(
    { length: 130 },
    (_, index) => `<${index}> "ä" \u{1f375} & שלום\nhttps://example.org/`,
  );
  await display.append([{ type: 'connection', state: 'connected', at: 0, text: 'Connected' }]);
  await display.append(
    texts.map((text, index) => messageAt(index, { text, from: index % 2 === 0 ? 'bob' : 'mara' })),
  );
  await display.append([
    { type: 'answer', at: 0, command: '/who', ok: true, lines: ['alice', 'bob'] },
    messageAt(200, { own: true, id: null, tag: 'a', text: 'mine' }),
    { type: 'stored', tag: 'a', id: messageAt(200).at * 1000, at: 0 },
  ]);
  await display.close();
  const html = await readFile(join(folder, 'whole.html'));
  const body = html.indexOf('<body>');
  const messages = html.toString('latin1').matchAll(/<div class="entry message .*?<\/div><\/div>\n/gs);
  const ends = Array.from(messages, ({ index, 0: { length } }) => index + length);
  expect(ends).toHaveLength(131);
  // In a folder of its own, where no live file can supply what is cut off.
  const cut = join(createFolder(), 'cut.html');
  const page = await browser.open(join(folder, 'whole.html'));
  const last = html.lastIndexOf('<div class="entry');
  const length = fc.oneof(
    fc.integer({ min: 0, max: body }),
    fc.integer({ min: body, max: html.length }),
    fc.integer({ min: last - 600, max: html.length }),
  );
  await fc.assert(
    fc.asyncProperty(length, async (size) => {
      await writeFile(cut, html.subarray(0, size));
      await page.goto(`file://${cut}`);
      const whole = ends.filter((end) => end <= size).length;
      const shown = await shownTexts(page);
      const expected = [...texts, 'mine'].slice(0, whole);
      expect(shown.slice(0, expected.length)).toEqual(expected);
      expect(shown.length).toBeLessThanOrEqual(expected.length + 1);
    }),
    { numRuns: 80 },
  );
});
