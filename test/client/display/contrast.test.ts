import { expect, test } from 'vitest';
import { HUES } from '../../../src/client/display/render.ts';
import { useBrowser } from '../../support/browser.ts';
import { CONTRAST } from '../../support/contrast.ts';
import { messageAt, OWN, START, startWith } from './fixture.ts';

const browser = useBrowser();

test.each(['light', 'dark'] as const)(
  'every text has a contrast of at least 4.5 in %s',
  async (colorScheme) => {
    const people = Array.from({ length: 60 }, (_, index) => messageAt(index * 10, { from: `user${index}` }));
    const { file } = await startWith([
      { type: 'connection', state: 'lost', at: START, text: 'Connection lost' },
      ...people,
      messageAt(700, { ...OWN, id: null, tag: 'a', text: 'see https://example.org' }),
      messageAt(701, { ...OWN, to: 'bob' }),
      { type: 'failed', tag: 'a', text: 'no' },
      messageAt(702, { ...OWN, id: null, tag: 'b' }),
      { type: 'failed', tag: 'b', text: 'who knows', isUnsure: true },
      messageAt(703, { text: 'see https://аpple.com' }),
      { type: 'answer', at: START, command: '/who', ok: true, lines: ['alice'] },
      { type: 'answer', at: START, command: '/who', ok: false, lines: ['no'] },
      {
        type: 'answer',
        at: START,
        command: '/search kettle',
        ok: true,
        lines: [{ lead: 'bob to #tea: ', snippet: ['the ', 'kettle', ' sings'] }],
      },
      { type: 'notice', level: 'info', at: START, text: 'notice' },
      { type: 'notice', level: 'warning', at: START, text: 'warning' },
      { type: 'notice', level: 'error', at: START, text: 'error' },
    ]);
    const page = await browser.open(file, { colorScheme });
    const hues = await page.evaluate(
      "new Set([...document.querySelectorAll('.name')].map((name) => getComputedStyle(name).color)).size",
    );
    const { poor, checked } = JSON.parse(String(await page.evaluate(`JSON.stringify(${CONTRAST})`)));
    expect(hues).toBe(HUES);
    expect(checked).toBeGreaterThan(200);
    expect(poor).toEqual([]);
  },
);
