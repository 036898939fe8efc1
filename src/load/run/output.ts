/** Where a load test talks to its user. Neither a reader who has gone nor a disk that is full ends a run. */

import { EXIT, type ExitCode } from '../../common/exit.ts';
import { printable } from '../../common/printable.ts';
import { reasonOf } from '../result/whole-file.ts';

export type Printed =
  | { readonly type: 'printed' }
  /** Whoever read stdout has gone, as `head` does: it has what it wanted. */
  | { readonly type: 'unread' }
  | { readonly type: 'failed'; readonly text: string };

/** How long a reader of stdout may take. */
const READ_MS = 5_000;

/** Call it first: without a listener a write that fails would end the process. */
export function guardStreams(): void {
  process.stdout.on('error', ignore);
  process.stderr.on('error', ignore);
}

/** Writes to stdout, and waits until it is written. */
export function print(text: string): Promise<Printed> {
  return new Promise((resolve) => {
    const deadline = setTimeout(
      () => resolve({ type: 'failed', text: 'cannot write to stdout: nobody reads it' }),
      READ_MS,
    );
    process.stdout.write(text, (error) => {
      clearTimeout(deadline);
      if (error === undefined || error === null) resolve({ type: 'printed' });
      else if ('code' in error && error.code === 'EPIPE') resolve({ type: 'unread' });
      else resolve({ type: 'failed', text: `cannot write to stdout: ${reasonOf(error)}` });
    });
  });
}

/** The whole answer of a command. Returns its exit code. */
export async function answer(text: string, exitCode: ExitCode = EXIT.ok): Promise<ExitCode> {
  const printed = await print(text);
  if (printed.type !== 'failed') return exitCode;
  complain(printed.text);
  return EXIT.failure;
}

/** What went wrong, on stderr. Some of it may come from a server: it can do nothing to a terminal. */
export function complain(text: string): void {
  process.stderr.write(`parley: ${text.split('\n').map(printable).join('\n')}\n`);
}

function ignore(): void {}
