/** What becomes of a paste, by where it arrives. Nothing of it is ever a command by itself. Pure. */

import { LIMITS } from '../../protocol/vocabulary.ts';
import { tooLong } from '../commands/line.ts';
import type { Paste } from './paste.ts';

export interface Place {
  /** A question is asked: its answer is one line. */
  readonly isAnswer: boolean;
  readonly isSecret: boolean;
  /** Nothing stands in front of the cursor. */
  readonly isLineStart: boolean;
}

export type Reception =
  | { readonly type: 'refused'; readonly why: string }
  /** One line, which waits for Enter. */
  | { readonly type: 'insert'; readonly text: string; readonly notes: readonly string[] }
  /** Several lines, which want a confirmation. */
  | { readonly type: 'lines'; readonly text: string; readonly notes: readonly string[] };

export function receive({ text, isCleaned }: Paste, { isAnswer, isSecret, isLineStart }: Place): Reception {
  if (isCleaned && isSecret) return refuse('the paste has control characters: nothing of it was taken');
  const notes = isCleaned ? ['(control characters were left out of the paste)'] : [];
  if (text.includes('\n')) {
    if (!isAnswer) return { type: 'lines', text, notes };
    return refuse('the paste has several lines, and the answer is one: nothing of it was taken');
  }
  const bytes = Buffer.byteLength(text);
  if (bytes > LIMITS.text) return refuse(tooLong(bytes));
  if (isAnswer || !isLineStart || !text.startsWith('//')) return { type: 'insert', text, notes };
  const note = '(a slash was added: // at the beginning of a line stands for /)';
  return { type: 'insert', text: `/${text}`, notes: [...notes, note] };
}

function refuse(why: string): Reception {
  return { type: 'refused', why };
}
