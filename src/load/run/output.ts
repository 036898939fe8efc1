/** Output of a load test. A reader that goes away or a full disk does not end the run. */

import { EXIT, type ExitCode } from '../../common/exit.ts';
import { printable } from '../../common/printable.ts';
import { reasonOf } from '../result/whole-file.ts';

export type Printed =
  | { readonly type: 'printed' }
  /** The reader of stdout has exited, as `head` does once it has what it wanted. */
  | { readonly type: 'unread' }
  | { readonly type: 'failed'; readonly text: string };

/** How long the reader of stdout may take. */
const READ_MS = 5_000;

/** Must be called first, because without an `error` listener a failed write ends the process. */
export function guardStreams(): void {
  process.stdout.on('error', ignore);
  process.stderr.on('error', ignore);
}

/** Writes to stdout and resolves when the text has been written. */
export function print(text: string): Promise<Printed> {
  return new Promise((resolve) => {
    const deadline = setTimeout(
      () => resolve({ type: 'failed', text: 'cannot write to stdout: its reader has stalled' }),
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

/** Prints the complete output of a command and returns its exit code. */
export async function answer(text: string, exitCode: ExitCode = EXIT.ok): Promise<ExitCode> {
  const printed = await print(text);
  if (printed.type !== 'failed') return exitCode;
  complain(printed.text);
  return EXIT.failure;
}

/** Prints an error to stderr. Makes the text safe for a terminal, because parts of it may come from a server. */
export function complain(text: string): void {
  process.stderr.write(`parley: ${text.split('\n').map(printable).join('\n')}\n`);
}

function ignore(): void {}
