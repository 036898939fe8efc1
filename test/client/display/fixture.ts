/** Helpers for the tests of the display: folders, displays in them, and records to show. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { onTestFinished } from 'vitest';
import type { Display } from '../../../src/client/display/display.ts';
import type { DisplayRecord, MessageRecord } from '../../../src/client/display/display-record.ts';
import { openDisplay } from '../../../src/client/display/open-display.ts';
import type { useBrowser } from '../../support/browser.ts';

/** A folder for the running test, removed afterwards. */
export function createFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'parley-display-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A display that is closed after the running test. */
export async function startDisplay(file: string, title = 'alice on localhost'): Promise<Display> {
  const opened = await openDisplay(file, { title });
  if (opened.type === 'refused') throw new Error(opened.text);
  onTestFinished(() => opened.display.close());
  return opened.display;
}

/** A display in its own folder, with records. */
export async function startWith(
  records: readonly DisplayRecord[] = [],
): Promise<{ file: string; display: Display }> {
  const file = join(createFolder(), 'chat.html');
  const display = await startDisplay(file);
  await display.append(records);
  return { file, display };
}

/** The same, and its page in a browser. */
export async function openWith(
  browser: ReturnType<typeof useBrowser>,
  records?: readonly DisplayRecord[],
): Promise<{ file: string; display: Display; page: Page }> {
  const started = await startWith(records);
  return { ...started, page: await browser.open(started.file) };
}

/** In ms: 14:05 on a day in winter. Ids are in microseconds, like those of a server. */
export const START = new Date(2026, 0, 20, 14, 5).getTime();

/** The message sent `minute` minutes after the start. */
export function messageAt(minute: number, changes: Partial<MessageRecord> = {}): MessageRecord {
  const at = START + Math.round(minute * 60_000);
  const text = `message ${minute}`;
  return { type: 'message', id: at * 1000, at, from: 'bob', to: '#tea', text, own: false, ...changes };
}

/** The fields that make a message an own one. */
export const OWN = { own: true, from: 'alice' };

/** The messages from one minute up to, but not including, another. */
export function messagesBetween(
  from: number,
  to: number,
  changes: Partial<MessageRecord> = {},
): MessageRecord[] {
  return Array.from({ length: to - from }, (_, index) => messageAt(from + index, changes));
}

/** The texts of the messages that a reader can see, from top to bottom. */
export function shownTexts(page: Page): Promise<string[]> {
  return page.locator('.message:not([hidden]) .text').allTextContents();
}
