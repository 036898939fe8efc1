import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { HUES } from '../../../src/client/display/render.ts';
import { useBrowser } from '../../support/browser.ts';
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
    const { hues, poor, checked } = await measureContrast(page);
    expect(hues).toBe(HUES);
    expect(checked).toBeGreaterThan(200);
    expect(poor).toEqual([]);
  },
);

/** The contrast of each element's own text with its background, by the formula of WCAG 2. */
async function measureContrast(page: Page): Promise<{ hues: number; checked: number; poor: unknown[] }> {
  const measured = await page.evaluate(`(() => {
    const context = Object.assign(document.createElement('canvas'), { width: 1, height: 1 })
      .getContext('2d', { willReadFrequently: true });
    const paint = (...colors) => {
      for (const color of colors) { context.fillStyle = color; context.fillRect(0, 0, 1, 1); }
      const [r, g, b] = [...context.getImageData(0, 0, 1, 1).data].map((value) => value / 255)
        .map((value) => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const poor = [];
    let checked = 0;
    for (const element of document.querySelectorAll('body *')) {
      if (![...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== '')) continue;
      const backgrounds = [];
      for (let up = element; up; up = up.parentElement) backgrounds.unshift(getComputedStyle(up).backgroundColor);
      const [low, high] = [paint(...backgrounds), paint(...backgrounds, getComputedStyle(element).color)].sort((a, b) => a - b);
      checked += 1;
      if ((high + 0.05) / (low + 0.05) < 4.5) poor.push([element.className, element.textContent, (high + 0.05) / (low + 0.05)]);
    }
    const hues = new Set([...document.querySelectorAll('.name')].map((name) => getComputedStyle(name).color)).size;
    return JSON.stringify({ hues, checked, poor });
  })()`);
  return JSON.parse(String(measured));
}
