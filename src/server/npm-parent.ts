/**
 * Detects the end of the npm that runs a server: `npm start`, `npm run …`, `npx`. npm cannot forward every signal that
 * ends it (SIGKILL), and the shell between it and the server forwards none, so the server itself checks whether npm is
 * still there.
 *
 * Applies only if npm waits for the server: its parent is npm, or the shell of npm's script. A server started in any
 * other way, or left in the background by a script (`&`), is on its own.
 */

import { readFileSync } from 'node:fs';

const CHECK_MS = 500;

/** A process, and the parent it must keep. */
interface ParentLink {
  readonly pid: number;
  readonly parent: number;
}

/** Calls `gone` once when npm, or the shell it started, has exited. Never if npm does not run this process. */
export function onNpmGone(gone: () => void): void {
  const links = findParentLinks();
  if (links.length === 0) return;
  const checking = setInterval(() => {
    if (links.every(({ pid, parent }) => parentOf(pid) === parent)) return;
    clearInterval(checking);
    gone();
  }, CHECK_MS);
  checking.unref();
}

/**
 * The chain from this process up to npm. An orphan gets another parent, so this is safer than checking that a pid
 * exists.
 */
function findParentLinks(): ParentLink[] {
  const script = process.env.npm_lifecycle_script;
  if (script === undefined || script.includes('&')) return [];
  const shell = { pid: process.pid, parent: process.ppid };
  const args = argumentsOf(shell.parent);
  if (isNpm(args)) return [shell];
  // `sh -c SCRIPT …`
  if (args[1] !== '-c' || args[2]?.startsWith(script) !== true) return [];
  const npm = parentOf(shell.parent);
  return npm !== undefined && isNpm(argumentsOf(npm)) ? [shell, { pid: shell.parent, parent: npm }] : [];
}

/** npm sets its process title, for instance to `npm start`. */
function isNpm([title = '', ...rest]: readonly string[]): boolean {
  const program = process.env.npm_execpath;
  return /^np[mx]( |$)/.test(title) || (program !== undefined && rest.includes(program));
}

/** Empty if the system does not tell. */
function argumentsOf(pid: number): string[] {
  return readProc(`${pid}/cmdline`)?.split('\0') ?? [];
}

function parentOf(pid: number): number | undefined {
  if (pid === process.pid) return process.ppid;
  // `pid (name) state ppid …`; the name may contain anything.
  const fields = readProc(`${pid}/stat`)
    ?.replace(/^.*\) /s, '')
    .split(' ');
  return fields?.[1] === undefined ? undefined : Number(fields[1]);
}

function readProc(path: string): string | undefined {
  try {
    return readFileSync(`/proc/${path}`, 'utf8');
  } catch {
    return undefined;
  }
}
