/** The lines of an answer, which may contain pieces of a message with marked parts. */

import type { Snippet } from '../../protocol/vocabulary.ts';

/** A line of an answer: the client's own words, or a lead followed by a piece of a message. */
export type AnswerLine = string | { readonly lead: string; readonly snippet: Snippet };

/** For output without highlighting: puts marked parts in brackets. */
export function plainLine(line: AnswerLine): string {
  if (typeof line === 'string') return line;
  return line.lead + line.snippet.map((piece, at) => (isMarked(at) ? `[${piece}]` : piece)).join('');
}

/** Whether the piece at that index of a snippet is a match. */
export function isMarked(index: number): boolean {
  return index % 2 === 1;
}
