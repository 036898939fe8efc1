/** Decides what to do with a paste, depending on where it arrives. A paste never runs as a command by itself. Pure. */

import { LIMITS } from '../../protocol/vocabulary.ts';
import { tooLong } from '../commands/line.ts';
import type { Paste } from './paste.ts';

export interface PasteTarget {
  /** A question is being asked; its answer is one line. */
  readonly isAnswer: boolean;
  readonly isSecret: boolean;
  /** The cursor is at the start of the line. */
  readonly isLineStart: boolean;
}

export type PasteAction =
  | { readonly type: 'refused'; readonly reason: string }
  /** One line, inserted and waiting for Enter. */
  | { readonly type: 'insert'; readonly text: string; readonly notes: readonly string[] }
  /** Several lines, which need confirmation. */
  | { readonly type: 'lines'; readonly text: string; readonly notes: readonly string[] };

export function placePaste(
  { text, isCleaned }: Paste,
  { isAnswer, isSecret, isLineStart }: PasteTarget,
): PasteAction {
  if (isCleaned && isSecret) return refuse('the paste contains control characters, so it was ignored');
  const notes = isCleaned ? ['(control characters were removed from the paste)'] : [];
  if (text.includes('\n')) {
    if (!isAnswer) return { type: 'lines', text, notes };
    return refuse('the paste has several lines, but an answer is one line, so it was ignored');
  }
  const bytes = Buffer.byteLength(text);
  if (bytes > LIMITS.text) return refuse(tooLong(bytes));
  if (isAnswer || !isLineStart || !text.startsWith('//')) return { type: 'insert', text, notes };
  const note = '(a slash was added, because // at the start of a line means /)';
  return { type: 'insert', text: `/${text}`, notes: [...notes, note] };
}

function refuse(reason: string): PasteAction {
  return { type: 'refused', reason };
}
