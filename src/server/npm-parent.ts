/**
 * The npm that runs a server: `npm start`, `npm run …`, `npx`. npm cannot pass on every signal that ends it (SIGKILL), and the
 * shell between it and the server passes on none, so the server looks for itself whether npm is still there.
 *
 * It applies only where npm waits for the server: the parent is npm, or the shell of npm's script. A server that somebody
 * else has started, or that a script leaves running behind it (`&`), is on its own.
 */

import { readFileSync } from 'node:fs';

const LOOK_MS = 500;

/** A process, and the parent that it must keep. */
interface Bond {
  readonly pid: number;
  readonly parent: number;
}

/** Calls `gone` once when npm has ended, or the shell that it started. Never if this process does not belong to npm. */
export function onNpmGone(gone: () => void): void {
  const bonds = findBonds();
  if (bonds.length === 0) return;
  const looking = setInterval(() => {
    if (bonds.every(({ pid, parent }) => parentOf(pid) === parent)) return;
    clearInterval(looking);
    gone();
  }, LOOK_MS);
  looking.unref();
}

/** From this process up to npm. Who is orphaned gets another parent, so a bond tells more than whether a pid exists. */
function findBonds(): Bond[] {
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

/** npm gives its process a title such as `npm start`. */
function isNpm([title = '', ...rest]: readonly string[]): boolean {
  const program = process.env.npm_execpath;
  return /^np[mx]( |$)/.test(title) || (program !== undefined && rest.includes(program));
}

/** Empty where the system does not tell. */
function argumentsOf(pid: number): string[] {
  return readProc(`${pid}/cmdline`)?.split('\0') ?? [];
}

function parentOf(pid: number): number | undefined {
  if (pid === process.pid) return process.ppid;
  // `pid (name) state ppid …`; the name may hold anything.
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
