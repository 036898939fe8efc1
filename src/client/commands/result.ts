/** The result of one typed line. */

import type { AnswerLine } from './answer-line.ts';

export type Result =
  | {
      readonly ok: true;
      /** The command's type, as in `Command`. */
      readonly of: string;
      /** For people; nothing is printed if empty. */
      readonly lines: readonly AnswerLine[];
      /** For `--json`, instead of the lines. */
      readonly data?: Readonly<Record<string, unknown>>;
    }
  | {
      readonly ok: false;
      readonly of: string;
      /** A code from the server, or one of the client's: `bad_line`, `offline`, `full`, `not_found`, `failed`. */
      readonly code: string;
      readonly text: string;
    };

export function done(
  of: string,
  lines: readonly AnswerLine[],
  data?: Readonly<Record<string, unknown>>,
): Result {
  return data === undefined ? { ok: true, of, lines } : { ok: true, of, lines, data };
}

export function refused(of: string, code: string, text: string): Result {
  return { ok: false, of, code, text };
}
