/**
 * Opens a display: decides what may be replaced, and in which order, so that nothing is lost before its replacement is
 * safe.
 */

import { randomBytes } from 'node:crypto';
import { rename } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { cleanLine } from '../../common/escape-html.ts';
import { type StagedFile, stageFile } from './atomic-file.ts';
import { Display } from './display.ts';
import { LIVE_MARKER, LiveFile } from './live.ts';
import { lockFile } from './lock.ts';
import { describeFileError, followLinks, inspect, type Occupant } from './output-path.ts';
import { PAGE_MARKER, renderPage } from './page.ts';

export type DisplayOptions = {
  /** For people: whose display this is, and on which server. Shown as the page's title. */
  readonly title: string;
  /** Replace a file that is not a display. A folder or a device is never replaced. */
  readonly force?: boolean;
  /** Rename an existing display to `NAME.earlier.html`, replacing an earlier one, instead of resetting it. */
  readonly keep?: boolean;
  /** Called once with the reason when the live file cannot be written, and with undefined when it can be again. */
  readonly report?: (problem: string | undefined) => void;
  /** Maximum size of a page in bytes; for tests. */
  readonly limit?: number;
};

/** `not_ours`: the path is taken by something else. `in_use`: another client is writing to this display. */
export type DisplayRefusal = {
  readonly type: 'refused';
  readonly code: 'not_ours' | 'in_use' | 'unwritable';
  readonly text: string;
};

export type OpenResult =
  | {
      readonly type: 'open';
      readonly display: Display;
      /** The new path of the display that was renamed; undefined if there was none. */
      readonly earlier: string | undefined;
    }
  | DisplayRefusal;

/**
 * Creates the file, readable by its owner only, or resets an existing display. Follows symbolic links. Beside it are
 * the live file (for `chat.html`, `chat.live.js`) and, while it is open, an empty lock file (`.chat.html.lock`).
 */
export async function openDisplay(file: string, options: DisplayOptions): Promise<OpenResult> {
  const claimed = await claimFiles(file, options.force ?? false);
  return claimed.type === 'claimed' ? replace(file, claimed, options) : claimed;
}

/** Why the file could not be opened as a display; undefined if it could. Changes nothing. */
export async function checkDisplay(file: string, force: boolean): Promise<DisplayRefusal | undefined> {
  const claimed = await claimFiles(file, force);
  if (claimed.type === 'refused') return claimed;
  claimed.release();
  return undefined;
}

/** Files that may be replaced, locked against other clients until `release`. */
type ClaimedFiles = {
  readonly type: 'claimed';
  readonly page: string;
  readonly live: string;
  /** The path to which an existing display would be renamed. */
  readonly earlier: string;
  /** Whether a display exists at the path. */
  readonly hasPage: boolean;
  release(): void;
};

async function claimFiles(file: string, force: boolean): Promise<ClaimedFiles | DisplayRefusal> {
  if (/[/\\]$/.test(file)) return special(file, 'a folder');
  // The browser looks for the live file beside the path it was given, which may be a link.
  const live = join(dirname(file), `${withoutExtension(file)}.live.js`);
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
    const earlier = join(dirname(page), `${withoutExtension(page)}.earlier.html`);
    const hasPage = occupant.type === 'ours';
    return { type: 'claimed', page, live, earlier, hasPage, release: locked.release };
  } catch (error) {
    return unwritable(file, error);
  }
}

function refuseOccupant(path: string, occupant: Occupant, force: boolean): DisplayRefusal | undefined {
  if (occupant.type === 'special') return special(path, occupant.kind);
  if (occupant.type !== 'foreign' || force) return undefined;
  return refused(
    'not_ours',
    `${cleanLine(path)} exists and is not a Parley display; choose another file, or overwrite it with --force`,
  );
}

async function replace(
  file: string,
  { page, live, earlier, hasPage, release }: ClaimedFiles,
  { title, keep = false, report = () => {}, limit }: DisplayOptions,
): Promise<OpenResult> {
  const staged: StagedFile[] = [];
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
      ...(isKept && { earlier: linkFrom(file, earlier) }),
    });
    const liveFile = new LiveFile(live, run, report);
    const pageStaged = await stageFile(page, html);
    staged.push(pageStaged);
    const liveStaged = await liveFile.stage();
    staged.push(liveStaged);
    if (isKept) await rename(page, earlier);
    // The page first, because an open page reloads itself when it sees a new run in the live file.
    await pageStaged.commit();
    await liveStaged.commit();
    liveFile.start(liveStaged);
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
function withoutExtension(file: string): string {
  return basename(file).replace(/\.html?$/i, '');
}

/** The link from a page opened as `file` to another file. */
function linkFrom(file: string, to: string): string {
  const isBeside = dirname(resolve(file)) === dirname(resolve(to));
  return isBeside ? `./${encodeURIComponent(basename(to))}` : pathToFileURL(to).href;
}

function inUse(file: string): DisplayRefusal {
  return refused(
    'in_use',
    `${cleanLine(file)} is the display of another running client; choose another file`,
  );
}

function special(path: string, kind: string): DisplayRefusal {
  return refused('not_ours', `${cleanLine(path)} is ${kind}, not a file; choose another file`);
}

/** `part` names the file that failed, if it is not the page. */
function unwritable(file: string, error: unknown, part?: string): DisplayRefusal {
  const reason = part === undefined ? describeFileError(error) : `${part}: ${describeFileError(error)}`;
  return refused('unwritable', `cannot write the display ${cleanLine(file)}: ${reason}`);
}

function refused(code: DisplayRefusal['code'], text: string): DisplayRefusal {
  return { type: 'refused', code, text };
}
