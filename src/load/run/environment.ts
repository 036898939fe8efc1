/** Describes the program and the machine of a run, because results are only comparable if these are alike. */

import { arch, availableParallelism, cpus, release, totalmem, type } from 'node:os';
import { VERSION } from '../../common/version.ts';
import type { Result } from '../result/result.ts';
import { openFilesOf } from './open-files.ts';

/** `args`: the command-line arguments after the name of the program. */
export function environmentOf(args: readonly string[] = process.argv.slice(2)): Result['environment'] {
  const limit = openFilesOf()?.soft ?? 0;
  return {
    parley: VERSION,
    node: process.version,
    system: `${type()} ${release()} ${arch()}`,
    cpu: cpus()[0]?.model.trim() || 'unknown',
    cores: availableParallelism(),
    memoryBytes: memoryBytes(),
    // JSON has no Infinity. 0 means unknown.
    openFiles: Math.min(limit, Number.MAX_SAFE_INTEGER),
    command: commandOf(args),
  };
}

/** The memory of the machine, or of the container if that is less. */
function memoryBytes(): number {
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(totalmem(), limit) : totalmem();
}

/** Matches flags whose value is a secret. Flags such as `--password-file` take a path instead. */
const SECRET = /^--[a-z-]*(?:password|secret|token)[a-z-]*(?<!-file)$/i;

/** The command line in a form that can be typed, with `***` in place of secrets. */
export function commandOf(args: readonly string[]): string {
  const shown = args.map((argument, index) => {
    const [flag = '', value] = splitFlag(argument);
    if (value !== undefined && SECRET.test(flag)) return `${quote(flag)}=***`;
    const before = args[index - 1] ?? '';
    return SECRET.test(before) && !argument.startsWith('--') ? '***' : quote(argument);
  });
  return ['parley', ...shown].join(' ');
}

function splitFlag(argument: string): [string, string | undefined] {
  const at = argument.indexOf('=');
  return at === -1 ? [argument, undefined] : [argument.slice(0, at), argument.slice(at + 1)];
}

/** Quotes an argument for a POSIX shell. */
function quote(argument: string): string {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", "'\\''")}'`;
}
