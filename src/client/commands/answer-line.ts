/** What answers are made of: lines, and in them pieces of somebody's text in which parts are marked. */

import type { Snippet } from '../../protocol/vocabulary.ts';

/** A line of an answer: words of this client, or words before a piece of somebody's text. */
export type AnswerLine = string | { readonly lead: string; readonly snippet: Snippet };

/** For where nothing can be marked: what is marked stands in brackets. */
export function plainLine(line: AnswerLine): string {
  if (typeof line === 'string') return line;
  return line.lead + line.snippet.map((piece, at) => (isMarked(at) ? `[${piece}]` : piece)).join('');
}

/** Whether the piece at that index of a snippet is what was found. */
export function isMarked(index: number): boolean {
  return index % 2 === 1;
}
