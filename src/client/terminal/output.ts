/** Where the client talks to its user: answers, errors, and lines of `--json`. */

import { LossyOutput } from '../../common/lossy-output.ts';
import { printable } from '../../common/printable.ts';
import { type JsonLine, toJson } from './json.ts';

export interface Output {
  answer(lines: readonly string[]): void;
  error(text: string): void;
  /** False when whoever reads is behind; `drained` is called when it has caught up. */
  json(line: JsonLine): boolean;
}

const report = (lines: number): string =>
  `parley: ${lines === 1 ? '1 line was' : `${lines} lines were`} dropped here, because this could not be written\n`;
/** What people read. That it cannot be written stops nothing: what was asked for is done all the same. */
const answers = new LossyOutput(1, { isSync: true, report });
const errors = new LossyOutput(2, { isSync: true, report });
/** The longest that Node can wait: 24 days. */
const FOR_EVER_MS = 2 ** 31 - 1;
const ERRORS_MS = 1_000;

/** The streams of a process that nobody watches: answers on stdout, errors on stderr. */
export function streamOutput(drained: () => void): Output {
  process.stdout.on('drain', drained);
  return {
    answer(lines) {
      for (const line of lines) answers.write(`${printable(line)}\n`);
    },
    error: writeError,
    // A program reads these, and relies on all of them: here a failure ends the client.
    json: (line) => process.stdout.write(`${toJson(line)}\n`),
  };
}

/** One line on stderr. */
export function writeError(text: string): void {
  errors.write(`${printable(text)}\n`);
}

/**
 * Waits until whoever reads the answers has got them, however slow; for errors only a moment, because often nobody reads
 * those. Returns why answers are lacking, if they are. A reader that has gone wants no more.
 */
export async function flushOutput(): Promise<string | undefined> {
  await Promise.all([answers.flush(FOR_EVER_MS), errors.flush(ERRORS_MS)]);
  const { fault } = answers;
  return fault === undefined || fault.code === 'EPIPE' ? undefined : fault.message;
}
