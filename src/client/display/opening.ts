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
export async function openDisplay(file: string, options: DisplayOptions): Promise<Opened> {
  // A browser looks for the live file beside the path it was given, which may be a link.
  const live = join(dirname(file), `${basename(file).replace(/\.html?$/i, '')}.live.js`);
  try {
    const page = await followLinks(file);
    const refused = (await claim(page, PAGE_MARKER, options)) ?? (await claim(live, LIVE_MARKER, options));
    return refused ?? (await openClaimed(file, page, live, options.title));
  } catch (error) {
    return unwritable(file, error);
  }
}

async function claim(
  path: string,
  marker: string,
  { force = false }: DisplayOptions,
): Promise<Refused | null> {
  const occupant = await inspect(path, marker);
  const name = cleanLine(path);
  if (occupant === 'special') {
    return refused('not_ours', `${name} is a folder or a device, not a file; choose another file`);
  }
  if (occupant === 'foreign' && !force) {
    return refused(
      'not_ours',
      `${name} exists and is not a Parley display; choose another file, or force it`,
    );
  }
  return null;
}

async function openClaimed(file: string, page: string, live: string, title: string): Promise<Opened> {
  const lock = lockFile(join(dirname(page), `.${basename(page)}.lock`));
  if (lock.type === 'failed') return unwritable(file, lock.error);
  if (lock.type === 'held') {
    return refused(
      'in_use',
      `${cleanLine(file)} is the display of another running client; choose another file`,
    );
  }
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
    const display = new Display(file, pageStaged.handle, Buffer.byteLength(html), liveFile, lock.release);
    return { type: 'open', display };
  } catch (error) {
    for (const { end } of staged) await end();
    lock.release();
    return unwritable(file, error);
  }
}

function unwritable(file: string, error: unknown): Refused {
  return refused('unwritable', `cannot write the display ${cleanLine(file)}: ${explain(error)}`);
}

function refused(code: Refused['code'], text: string): Refused {
  return { type: 'refused', code, text };
}
