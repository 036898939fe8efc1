/** Opening a display: what may be replaced, and in which order, so that nothing is lost before the next is sure. */

import { randomBytes } from 'node:crypto';
import { basename, dirname, join } from 'node:path';
import { Display } from './display.ts';
import { cleanLine } from './escape.ts';
import { LIVE_MARKER, LiveFile } from './live.ts';
import { lockFile } from './lock.ts';
import { PAGE_MARKER, renderPage } from './page.ts';
import { type Staged, stageFile } from './staged.ts';
import { explain, followLinks, inspect } from './target.ts';

export type DisplayOptions = {
  /** For people: whose display this is, and on which server. Shown as the page's title. */
  readonly title: string;
  /** Replace a file that is not a display. A folder or a device is never replaced. */
  readonly force?: boolean;
};

/** `not_ours`: there is something else at the path. `in_use`: another client is writing to this display. */
export type Refused = {
  readonly type: 'refused';
  readonly code: 'not_ours' | 'in_use' | 'unwritable';
  readonly text: string;
};

export type Opened = { readonly type: 'open'; readonly display: Display } | Refused;

/**
 * Creates the file, readable by its owner only, or resets a display that is there. Links are followed. Beside it are
 * the live file (`chat.html` has `chat.live.js`) and an empty lock (`.chat.html.lock`).
 */
export async function openDisplay(file: string, { title, force = false }: DisplayOptions): Promise<Opened> {
  const claimed = await claim(file, force);
  return claimed.type === 'claimed' ? replace(file, claimed, title) : claimed;
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
  release(): void;
};

async function claim(file: string, force: boolean): Promise<Claimed | Refused> {
  // A browser looks for the live file beside the path it was given, which may be a link.
  const live = join(dirname(file), `${basename(file).replace(/\.html?$/i, '')}.live.js`);
  try {
    const page = await followLinks(file);
    const refused =
      (await refuseOccupant(page, PAGE_MARKER, force)) ?? (await refuseOccupant(live, LIVE_MARKER, force));
    if (refused !== undefined) return refused;
    const lock = lockFile(join(dirname(page), `.${basename(page)}.lock`));
    if (lock.type === 'locked') return { type: 'claimed', page, live, release: lock.release };
    if (lock.type === 'failed') return unwritable(file, lock.error);
    return inUse(file);
  } catch (error) {
    return unwritable(file, error);
  }
}

async function refuseOccupant(path: string, marker: string, force: boolean): Promise<Refused | undefined> {
  const occupant = await inspect(path, marker);
  const name = cleanLine(path);
  if (occupant === 'special') {
    return refused('not_ours', `${name} is a folder or a device, not a file; choose another file`);
  }
  if (occupant === 'foreign' && !force) {
    return refused(
      'not_ours',
      `${name} exists and is not a Parley display; choose another file, or overwrite it with --force`,
    );
  }
  return undefined;
}

async function replace(file: string, { page, live, release }: Claimed, title: string): Promise<Opened> {
  const run = randomBytes(12).toString('hex');
  const html = renderPage({ title, run, liveName: basename(live) });
  const liveFile = new LiveFile(live, run);
  const staged: Staged[] = [];
  try {
    const pageStaged = await stageFile(page, html);
    staged.push(pageStaged);
    const liveStaged = await liveFile.stage();
    staged.push(liveStaged);
    // The page first: an open page that sees another run in the live file reloads itself.
    await pageStaged.commit();
    await liveStaged.commit();
    await liveStaged.end();
    const display = new Display(file, pageStaged.handle, Buffer.byteLength(html), liveFile, release);
    return { type: 'open', display };
  } catch (error) {
    for (const { end } of staged) await end();
    release();
    return unwritable(file, error);
  }
}

function inUse(file: string): Refused {
  return refused(
    'in_use',
    `${cleanLine(file)} is the display of another running client; choose another file`,
  );
}

function unwritable(file: string, error: unknown): Refused {
  return refused('unwritable', `cannot write the display ${cleanLine(file)}: ${explain(error)}`);
}

function refused(code: Refused['code'], text: string): Refused {
  return { type: 'refused', code, text };
}
