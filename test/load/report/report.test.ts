import { writeFileSync } from 'node:fs';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { renderReport } from '../../../src/load/report/page.ts';
import type { Result } from '../../../src/load/result/result.ts';
import { verdictOf } from '../../../src/load/result/verdict.ts';
import { useBrowser } from '../../support/browser.ts';
import { CONTRAST } from '../../support/contrast.ts';
import { testFolder } from '../../support/folder.ts';
import { sampleResult } from '../result/sample-result.ts';

const folder = testFolder();
const browser = useBrowser();

const calm = sampleResult();

/** With everything that can be on a page, and phases that are too short for their names. */
const troubled = sampleResult({
  fanOut: 10,
  phases: [
    { kind: 'ramp', seconds: 6 },
    { kind: 'warm_up', seconds: 2 },
    { kind: 'steady', seconds: 20 },
    { kind: 'spike', seconds: 2, rate: 4 },
    { kind: 'steady', seconds: 2 },
    { kind: 'spike', seconds: 1, rate: 4 },
    { kind: 'steady', seconds: 1 },
    { kind: 'storm', seconds: 20 },
  ],
  errors: { 'connect ECONNREFUSED': 12, 'bye too_slow': 3 },
  change: ({ correctness }) => ({
    invalid: ['the generator was at work for 97 % of the time', 'its timers were 40 ms late'],
    correctness: { ...correctness, lost: 12, examples: ['user3 never got message 12 of user9'] },
    expectations: [
      { text: 'p99<5ms', value: 8.1234, isMet: false },
      { text: 'late<1%', value: 0, isMet: true },
    ],
  }),
});

const long = sampleResult({
  users: 20_000,
  deliverMs: 0.4,
  phases: [
    { kind: 'ramp', seconds: 60 },
    { kind: 'soak', seconds: 7_200 },
  ],
});

const empty = sampleResult({
  perUserPerMinute: 0,
  phases: [{ kind: 'ramp', seconds: 0.1 }],
  change: () => ({
    ended: 'interrupted',
    usage: null,
    series: [],
    latency: { connect: null, login: null, resume: null, acknowledge: null, deliver: null },
  }),
});

/** Numbers as wide as they come, and a ramp that takes longer than all the rest. */
const large = sampleResult({
  fanOut: 400,
  users: 20_000,
  perUserPerMinute: 600,
  deliverMs: 345,
  phases: [
    { kind: 'ramp', seconds: 40 },
    { kind: 'warm_up', seconds: 5 },
    { kind: 'steady', seconds: 20 },
  ],
  change: () => ({
    invalid: ['it was busy'],
    expectations: [{ text: 'acknowledge.p99.99<1000ms', value: 4_321.5, isMet: null }],
  }),
});

const REPORTS = { calm, troubled, long, empty, large } as const;

let files = 0;

function open(result: Result, options: BrowserContextOptions = {}): Promise<Page> {
  files += 1;
  const file = `${folder}/report-${files}.html`;
  writeFileSync(file, renderReport(result));
  return browser.open(file, options);
}

/** What the expression says of the page, checked. */
async function ask<T>(page: Page, schema: z.ZodType<T>, expression: string): Promise<T> {
  return schema.parse(JSON.parse(String(await page.evaluate(`JSON.stringify(${expression})`))));
}

const texts = z.array(z.string());

describe('a report', () => {
  it('begins with the verdict', async () => {
    for (const [result, label] of [
      [calm, 'Passed'],
      [troubled, 'Failed'],
      [sampleResult({ change: () => ({ invalid: ['it was late'] }) }), 'Not valid'],
    ] as const) {
      const page = await open(result);
      const verdict = ((await page.locator('.verdict').textContent()) ?? '').replaceAll('\u00a0', ' ');
      expect(verdict.replace(/\s+/g, ' ')).toBe(`${label} ${verdictOf(result).text}`);
    }
  });

  it('has every table, and says at the top why the result is not valid', async () => {
    const page = await open(troubled);
    expect(await page.locator('.latency tbody tr').count()).toBe(5);
    const missed = page.locator('.thresholds .missed').locator('th, td');
    expect(await missed.allTextContents()).toEqual(['p99<5ms', '8.12\u00a0ms', 'missed']);
    expect(await page.locator('.thresholds .met').count()).toBe(1);
    expect(await page.locator('header .invalid li').allInnerTexts()).toHaveLength(2);
    expect(await page.locator('.figures .bad dt').allInnerTexts()).toEqual([
      'Correctness',
      'Generator',
      'Errors',
    ]);
    expect(await page.locator('.figures').textContent()).toContain('12 × connect ECONNREFUSED');
    await page.locator('summary').first().click();
    expect(JSON.parse((await page.locator('pre').first().textContent()) ?? '')).toEqual(troubled.scenario);
  });

  it('omits charts without data', async () => {
    const titles = async (result: Result) => (await open(result)).locator('figure h3').allInnerTexts();
    const usual = ['Latency by percentile', 'Delivery latency', 'Rates', 'Connections'];
    expect(await titles(calm)).toEqual([...usual, 'Server: CPU', 'Server: memory']);
    expect(await titles(troubled)).toEqual([...usual, 'Errors', 'Server: CPU', 'Server: memory']);
    expect(await titles(empty)).toEqual([]);
    const unknown = calm.series.map((second) => ({ ...second, serverCores: null, serverBytes: null }));
    expect(await titles(sampleResult({ change: () => ({ series: unknown }) }))).toEqual(usual);
  });

  it('shows the values of a second in a tooltip', async () => {
    const page = await open(calm, { viewport: { width: 1_400, height: 900 } });
    const hints = await page
      .locator('figure', { hasText: 'Rates' })
      .locator('svg.wide .hint title')
      .allTextContents();
    expect(hints).toHaveLength(calm.series.length);
    const last = calm.series.at(-1);
    expect(hints.at(-1)).toBe(`44 s to 45 s, steady: delivered ${last?.delivered}, sent ${last?.sent}`);
  });

  it('computes rates from the actual length of a second, and shades unmeasured periods', async () => {
    const [start] = calm.series;
    if (start === undefined) throw new Error('there are seconds');
    const at = (second: number, phase: string) => ({ ...start, second, phase, sent: 10, delivered: 30 });
    const series = [at(1, 'ramp'), at(2, 'steady'), at(2.5, 'steady'), at(4.5, 'drain')];
    const page = await open(sampleResult({ change: () => ({ series }) }));
    const chart = page.locator('figure', { hasText: 'Rates' }).locator('svg.wide');
    expect(await chart.locator('.hint title').allTextContents()).toEqual([
      '0 s to 1 s, ramp: delivered 30, sent 10',
      '1 s to 2 s, steady: delivered 30, sent 10',
      '2 s to 2.5 s, steady: delivered 60, sent 20',
      '2.5 s to 4.5 s, drain: delivered 15, sent 5',
    ]);
    const bands = await ask(
      page,
      z.array(z.tuple([z.string(), z.boolean()])),
      `[...document.querySelector('svg.wide:has(.band)').querySelectorAll('.band')].map((band) => [band.textContent, band.matches('.unmeasured')])`,
    );
    expect(bands).toEqual([
      ['ramp', true],
      ['steady', false],
      ['drain', true],
    ]);
  });

  it('limits the number of points, however long the run', async () => {
    const page = await open(long);
    const count = await page.locator('figure', { hasText: 'Rates' }).locator('svg.wide .hint').count();
    expect(count).toBe(121);
    expect(renderReport(long).length).toBeLessThan(300_000);
  });

  it.each(['scenario', 'server', 'errors'])('cannot be written by a hostile %s', async (where) => {
    const evil = `"><script>document.title='gone'</script>'&lt;<b id=x>`;
    const result = sampleResult({
      errors: where === 'errors' ? { [evil]: 1 } : {},
      change: ({ scenario, server, environment, series, usage }) =>
        where === 'scenario'
          ? {
              scenario: { ...scenario, name: evil.slice(0, 64), about: evil },
              series: series.map((second) => ({ ...second, phase: evil })),
              expectations: [{ text: evil, value: 1, isMet: false }],
              invalid: [evil],
            }
          : {
              server: { ...server, name: evil, address: evil, protocol: evil },
              environment: { ...environment, cpu: evil, command: evil },
              usage: usage && { ...usage, busiestThread: { name: evil, share: 1 } },
            },
    });
    const page = await open(result);
    expect(await page.title()).toContain('Load test: ');
    expect(await page.locator('script, b#x').count()).toBe(0);
    expect(await page.locator('body').textContent()).toContain(evil.slice(0, 40));
  });
});

describe.each(Object.entries(REPORTS))('a report: %s', (_, result) => {
  it('makes no requests, runs no scripts, is readable in light and dark, and fits every width', async () => {
    const page = await open(result);
    await asksForNothing(page);
    await page.evaluate("for (const details of document.querySelectorAll('details')) details.open = true");
    await page.setViewportSize({ width: 1_400, height: 900 });
    for (const colorScheme of ['light', 'dark'] as const) await isReadable(page, colorScheme);
    for (const width of [400, 700, 900, 1_060, 1_100, 1_280, 1_400]) {
      const labels = await fits(page, width);
      if (result !== empty) expect(labels).toBeGreaterThan(40);
    }
  });
});

async function asksForNothing(page: Page): Promise<void> {
  const seen: string[] = [];
  page.on('request', (request) => seen.push(request.url()));
  page.on('console', (message) => seen.push(message.text()));
  await page.reload();
  expect(seen).toEqual([page.url()]);
  expect(await page.locator('script, link, img, iframe, [style]').count()).toBe(0);
  // If the policy did not know the style by its hash, it would not be there.
  expect(
    await ask(page, z.string(), "getComputedStyle(document.querySelector('.verdict')).borderLeftStyle"),
  ).toBe('solid');
}

/** Each text has a contrast of at least 4.5. */
async function isReadable(page: Page, colorScheme: 'light' | 'dark'): Promise<void> {
  await page.emulateMedia({ colorScheme });
  const measured = await ask(
    page,
    z.object({ poor: texts, checked: z.number(), paper: z.number() }),
    CONTRAST,
  );
  expect(measured.poor, colorScheme).toEqual([]);
  expect(measured.checked).toBeGreaterThan(30);
  expect(measured.paper > 0.5).toBe(colorScheme === 'light');
}

/** Nothing is wider than its place, and labels lie beside each other. Returns how many there are. */
async function fits(page: Page, width: number): Promise<number> {
  await page.setViewportSize({ width, height: 800 });
  const wide =
    '[...document.querySelectorAll("html, section, .wide-table, table, pre")].map((box) => box.scrollWidth - box.clientWidth)';
  const overflows = await ask(page, z.array(z.number()), wide);
  expect(
    overflows.filter((pixels) => pixels > 0),
    `${width} px`,
  ).toEqual([]);
  const { overlapping, outside, small, labels } = await ask(
    page,
    z.object({ overlapping: texts, outside: texts, small: texts, labels: z.number() }),
    LABELS,
  );
  expect({ width, overlapping, outside, small }).toEqual({ width, overlapping: [], outside: [], small: [] });
  return labels;
}

it('a report compresses a long ramp', async () => {
  const page = await open(large, { viewport: { width: 1_400, height: 900 } });
  const widths = await ask(
    page,
    z.array(z.tuple([z.boolean(), z.number()])),
    `[...document.querySelector('svg.wide:has(.band)').querySelectorAll('.band')].map((band) => [band.matches('.unmeasured'), band.getBoundingClientRect().width])`,
  );
  const sum = (isUnmeasured: boolean): number =>
    widths.filter(([unmeasured]) => unmeasured === isUnmeasured).reduce((all, [, width]) => all + width, 0);
  expect(sum(true) / (sum(true) + sum(false))).toBeCloseTo(0.2, 1);
  // Ticks appear where the axis is not compressed, and show the true time.
  const labels = await page
    .locator('figure', { hasText: 'Connections' })
    .locator('svg.wide text.tick')
    .allTextContents();
  expect(labels).toEqual(expect.arrayContaining(['0', '50 s', '60 s', '65 s']));
  expect(labels).not.toContain('10 s');
});

it('a report scales charts to the measured phases, whatever the ramp needed', async () => {
  const series = calm.series.map((second) => ({
    ...second,
    serverCores: second.phase === 'steady' ? 0.1 : 2,
  }));
  const page = await open(sampleResult({ change: () => ({ series }) }));
  const chart = page.locator('figure', { hasText: 'Server: CPU' });
  expect(await chart.locator('svg.wide text.tick').allTextContents()).toContain('0.1');
  expect(await chart.locator('.note').textContent()).toContain(
    'Unmeasured periods may be cut off at the top.',
  );
  const memory = page.locator('figure', { hasText: 'Server: memory' });
  expect(await memory.locator('.note').textContent()).not.toContain('cut off');
});

it('a report prints all its charts', async () => {
  const page = await open(troubled, { colorScheme: 'dark' });
  await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
  expect(await ask(page, z.string(), 'getComputedStyle(document.documentElement).colorScheme')).toBe('light');
  expect(await page.locator('figure svg[role=img]:visible').count()).toBe(7);
});

/** Of the labels of charts: those that touch another, leave their chart, or cannot be read. */
const LABELS = `(() => {
  const found = { overlapping: [], outside: [], small: [], labels: 0 };
  for (const chart of document.querySelectorAll('svg[role=img]')) {
    if (!chart.checkVisibility()) continue;
    const frame = chart.getBoundingClientRect();
    const labels = [...chart.querySelectorAll('text')].map((text) => ({ text: text.textContent, box: text.getBoundingClientRect() }));
    for (const [index, { text, box }] of labels.entries()) {
      found.labels += 1;
      if (box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 1 || box.bottom > frame.bottom + 1) found.outside.push(text);
      if (box.height < 11) found.small.push(text);
      for (const other of labels.slice(index + 1)) {
        const apart = box.right <= other.box.left || other.box.right <= box.left || box.bottom <= other.box.top + 2 || other.box.bottom <= box.top + 2;
        if (!apart) found.overlapping.push(text + ' / ' + other.text);
      }
    }
  }
  return found;
})()`;
