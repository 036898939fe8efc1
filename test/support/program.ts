/** Finds installed programs, and compiles C libraries for them. */

import { execFileSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Where daemons are, which is not in everyone's path. */
const SYSTEM = ['/usr/sbin', '/usr/local/sbin'];
const COMPILERS = ['cc', 'gcc', 'clang'];

/** The path of the first of these programs that can be run. */
export function findProgram(...names: string[]): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), ...SYSTEM];
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(canRun);
}

export function hasCompiler(): boolean {
  return findProgram(...COMPILERS) !== undefined;
}

/** Compiles a library for LD_PRELOAD. Throws if there is no compiler, or it rejects the source. */
export function compileLibrary(source: string, library: string): void {
  const compiler = findProgram(...COMPILERS) ?? 'cc';
  execFileSync(compiler, ['-shared', '-fPIC', '-O1', '-o', library, source, '-ldl', '-pthread']);
}

function canRun(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
