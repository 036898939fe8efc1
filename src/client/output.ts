/** Where the client talks to its user: answers, errors, and lines of `--json`. */

import { type JsonLine, toJson } from './json.ts';
import { printable } from './printable.ts';

export interface Output {
  answer(lines: readonly string[]): void;
  error(text: string): void;
  /** False when whoever reads is behind; `drained` is called when it has caught up. */
  json(line: JsonLine): boolean;
}

/** The streams of a process that nobody watches: answers on stdout, errors on stderr. */
export function streamOutput(drained: () => void): Output {
  process.stdout.on('drain', drained);
  return {
    answer(lines) {
      for (const line of lines) process.stdout.write(`${printable(line)}\n`);
    },
    error(text) {
      process.stderr.write(`${printable(text)}\n`);
    },
    json: (line) => process.stdout.write(`${toJson(line)}\n`),
  };
}
