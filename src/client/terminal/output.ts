/** The client's output: answers, errors, and `--json` lines. */

import { LossyOutput } from '../../common/lossy-output.ts';
import { printable } from '../../common/printable.ts';
import { type JsonLine, toJson } from './json.ts';

export interface Output {
  answer(lines: readonly string[]): void;
  error(text: string): void;
  /** False if the consumer is slow; `drained` is called when it has caught up. */
  json(line: JsonLine): boolean;
}

const report = (lines: number): string =>
  `parley: ${lines === 1 ? '1 line was' : `${lines} lines were`} dropped here, because the output could not be written\n`;
/** Output for people. A failed write stops nothing: commands are carried out all the same. */
const answers = new LossyOutput(1, { isSync: true, report });
const errors = new LossyOutput(2, { isSync: true, report });
/** The longest delay of a Node timer, about 24 days. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;
const ERRORS_MS = 1_000;

/** The output of a script: answers on stdout, errors on stderr. */
export function streamOutput(drained: () => void): Output {
  process.stdout.on('drain', drained);
  return {
    answer(lines) {
      for (const line of lines) answers.write(`${printable(line)}\n`);
    },
    error: writeError,
    // A program reads these lines and relies on getting all of them, so a failed write ends the client.
    json: (line) => process.stdout.write(`${toJson(line)}\n`),
  };
}

/** Writes one line to stderr. */
export function writeError(text: string): void {
  errors.write(`${printable(text)}\n`);
}

/**
 * Waits until all answers are written, however slow the reader; for errors only a moment, because often nobody reads
 * those. Returns the reason if answers are missing. A reader that has gone does not count.
 */
export async function flushOutput(): Promise<string | undefined> {
  await Promise.all([answers.flush(MAX_TIMEOUT_MS), errors.flush(ERRORS_MS)]);
  const { fault } = answers;
  return fault === undefined || fault.code === 'EPIPE' ? undefined : fault.message;
}
