/** What a run was made with and on: results can only be compared if these are alike. */

import { arch, availableParallelism, cpus, release, totalmem, type } from 'node:os';
import { VERSION } from '../../common/version.ts';
import type { Result } from '../result/result.ts';
import { openFilesOf } from './open-files.ts';

/** `args`: of the command line, behind the name of the program. */
export function environmentOf(args: readonly string[] = process.argv.slice(2)): Result['environment'] {
  const limit = openFilesOf()?.soft ?? 0;
  return {
    parley: VERSION,
    node: process.version,
    system: `${type()} ${release()} ${arch()}`,
    cpu: cpus()[0]?.model.trim() || 'unknown',
    cores: availableParallelism(),
    memoryBytes: memoryBytes(),
    // JSON has no Infinity. 0: not known.
    openFiles: Math.min(limit, Number.MAX_SAFE_INTEGER),
    command: commandOf(args),
  };
}

/** That of the machine, or of the container if that has less. */
function memoryBytes(): number {
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(totalmem(), limit) : totalmem();
}

/** A flag for a secret itself; that of `--password-file` is a path. */
const SECRET = /^--[a-z-]*(?:password|secret|token)[a-z-]*(?<!-file)$/i;

/** The command line as one could type it, with `***` for what nobody else should read. */
export function commandOf(args: readonly string[]): string {
  const shown = args.map((argument, index) => {
    const [flag = '', value] = splitFlag(argument);
    if (value !== undefined && SECRET.test(flag)) return `${quoted(flag)}=***`;
    const before = args[index - 1] ?? '';
    return SECRET.test(before) && !argument.startsWith('--') ? '***' : quoted(argument);
  });
  return ['parley', ...shown].join(' ');
}

function splitFlag(argument: string): [string, string | undefined] {
  const at = argument.indexOf('=');
  return at === -1 ? [argument, undefined] : [argument.slice(0, at), argument.slice(at + 1)];
}

/** As a POSIX shell reads it back. */
function quoted(argument: string): string {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", "'\\''")}'`;
}
