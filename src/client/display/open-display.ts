/** Opening a display: what may be replaced, and in which order, so that nothing is lost before the next is sure. */

import { randomBytes } from 'node:crypto';
import { rename } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { cleanLine } from '../../common/escape-html.ts';
import { type Staged, stageFile } from './atomic-file.ts';
import { Display } from './display.ts';
import { LIVE_MARKER, LiveFile } from './live.ts';
import { lockFile } from './lock.ts';
import { explain, followLinks, inspect, type Occupant } from './output-path.ts';
import { PAGE_MARKER, renderPage } from './page.ts';

export type DisplayOptions = {
  /** For people: whose display this is, and on which server. Shown as the page's title. */
  readonly title: string;
  /** Replace a file that is not a display. A folder or a device is never replaced. */
  readonly force?: boolean;
  /** Set a display that is there aside as `NAME.earlier.html`, in place of an earlier one, instead of resetting it. */
  readonly keep?: boolean;
  /** Told once why open pages cannot be told what comes, and with undefined that they can again. */
  readonly report?: (problem: string | undefined) => void;
  /** Bytes of a page; for tests. */
  readonly limit?: number;
};

/** `not_ours`: there is something else at the path. `in_use`: another client is writing to this display. */
export type Refused = {
  readonly type: 'refused';
  readonly code: 'not_ours' | 'in_use' | 'unwritable';
  readonly text: string;
};

export type Opened =
  | {
      readonly type: 'open';
      readonly display: Display;
      /** Where the display is that was set aside; undefined if there was none. */
      readonly earlier: string | undefined;
    }
  | Refused;

/**
 * Creates the file, readable by its owner only, or resets a display that is there. Links are followed. Beside it are
 * the live file (`chat.html` has `chat.live.js`) and, as long as it is open, an empty lock (`.chat.html.lock`).
 */
export async function openDisplay(file: string, options: DisplayOptions): Promise<Opened> {
  const claimed = await claim(file, options.force ?? false);
  return claimed.type === 'claimed' ? replace(file, claimed, options) : claimed;
}

/** Whether the file could be opened as a display; undefined if so. Nothing is replaced. */
export async function checkDisplay(file: string, force: boolean): Promise<Refused | undefined> {
  const claimed = await claim(file, force);
  if (claimed.type === 'refused') return claimed;
  claimed.release();
  return undefined;
}

/** Files that may be replaced, and that no other client can claim until `release`. */
type Claimed = {
  readonly type: 'claimed';
  readonly page: string;
  readonly live: string;
  /** Where a display goes that is set aside. */
  readonly earlier: string;
  /** Whether there is a display at the path. */
  readonly hasPage: boolean;
  release(): void;
};

async function claim(file: string, force: boolean): Promise<Claimed | Refused> {
  if (/[/\\]$/.test(file)) return special(file, 'a folder');
  // A browser looks for the live file beside the path it was given, which may be a link.
  const live = join(dirname(file), `${withoutEnding(file)}.live.js`);
  try {
    const page = await followLinks(file);
    const occupant = await inspect(page, PAGE_MARKER);
    const refused =
      refuseOccupant(page, occupant, force) ?? refuseOccupant(live, await inspect(live, LIVE_MARKER), force);
    if (refused !== undefined) return refused;
    const lock = join(dirname(page), `.${basename(page)}.lock`);
    const locked = lockFile(lock);
    if (locked.type === 'held') return inUse(file);
    if (locked.type === 'failed') return unwritable(file, locked.error, `its lock ${cleanLine(lock)}`);
    const earlier = join(dirname(page), `${withoutEnding(page)}.earlier.html`);
    const hasPage = occupant.type === 'ours';
    return { type: 'claimed', page, live, earlier, hasPage, release: locked.release };
  } catch (error) {
    return unwritable(file, error);
  }
}

function refuseOccupant(path: string, occupant: Occupant, force: boolean): Refused | undefined {
  if (occupant.type === 'special') return special(path, occupant.kind);
  if (occupant.type !== 'foreign' || force) return undefined;
  return refused(
    'not_ours',
    `${cleanLine(path)} exists and is not a Parley display; choose another file, or overwrite it with --force`,
  );
}

async function replace(
  file: string,
  { page, live, earlier, hasPage, release }: Claimed,
  { title, keep = false, report = () => {}, limit }: DisplayOptions,
): Promise<Opened> {
  const staged: Staged[] = [];
  const isKept = keep && hasPage;
  try {
    const occupant = isKept ? refuseOccupant(earlier, await inspect(earlier, PAGE_MARKER), false) : undefined;
    if (occupant !== undefined) {
      release();
      return occupant;
    }
    const run = randomBytes(12).toString('hex');
    const html = renderPage({
      title,
      run,
      liveName: basename(live),
      ...(isKept && { earlier: addressFrom(file, earlier) }),
    });
    const liveFile = new LiveFile(live, run, report);
    const pageStaged = await stageFile(page, html);
    staged.push(pageStaged);
    const liveStaged = await liveFile.stage();
    staged.push(liveStaged);
    if (isKept) await rename(page, earlier);
    // The page first: an open page that sees another run in the live file reloads itself.
    await pageStaged.commit();
    await liveStaged.commit();
    liveFile.begin(liveStaged);
    const { handle } = pageStaged;
    const files = {
      name: file,
      path: page,
      handle,
      length: Buffer.byteLength(html),
      live: liveFile,
      release,
    };
    return {
      type: 'open',
      display: new Display(files, limit),
      earlier: isKept ? earlier : undefined,
    };
  } catch (error) {
    for (const { end } of staged) await end();
    release();
    return unwritable(file, error);
  }
}

/** The file's name without `.html`. */
function withoutEnding(file: string): string {
  return basename(file).replace(/\.html?$/i, '');
}

/** How a page that a browser was given as `file` links to another file. */
function addressFrom(file: string, to: string): string {
  const isBeside = dirname(resolve(file)) === dirname(resolve(to));
  return isBeside ? `./${encodeURIComponent(basename(to))}` : pathToFileURL(to).href;
}

function inUse(file: string): Refused {
  return refused(
    'in_use',
    `${cleanLine(file)} is the display of another running client; choose another file`,
  );
}

function special(path: string, kind: string): Refused {
  return refused('not_ours', `${cleanLine(path)} is ${kind}, not a file; choose another file`);
}

/** `part`: which of its files it is, where that is not the page. */
function unwritable(file: string, error: unknown, part?: string): Refused {
  const reason = part === undefined ? explain(error) : `${part}: ${explain(error)}`;
  return refused('unwritable', `cannot write the display ${cleanLine(file)}: ${reason}`);
}

function refused(code: Refused['code'], text: string): Refused {
  return { type: 'refused', code, text };
}
