/** An excerpt of a text around the search matches. */

import type { Snippet } from '../../protocol/vocabulary.ts';
import type { Term } from './query.ts';
import { type Word, wordsOf } from './words.ts';

/** Lengths in UTF-16 units, without the ellipses. */
const LENGTH_MAX = 160;
/** The most text before the first match. */
const LEAD_MAX = 40;

const ELLIPSIS = '…';
const GAP = /[\s\p{Cc}]+/gu;
const LOW_SURROGATE = /^[\udc00-\udfff]/u;
/** A character that belongs to the one before it. */
const JOINED = /^(?:\p{M}|\p{Cf}|[\udc00-\udfff])/u;

/** A range of the text, in UTF-16 units. */
interface Span {
  readonly start: number;
  readonly end: number;
}

/**
 * About 160 characters of the text around the first match of a term: plain text and matches alternate, starting with
 * plain text, which may be ''. Cut between words. Line breaks and other control characters become spaces. Without a
 * match it is the beginning of the text.
 */
export function snippet(text: string, terms: readonly Term[]): Snippet {
  const { words, matches } = findMatches(text, terms);
  const first = matches[0] ?? { start: 0, end: 0 };
  const excerpt = around(first, text, words);
  const pieces: string[] = [];
  let done = excerpt.start;
  for (const { start, end } of matches) {
    if (start >= excerpt.end) break;
    const last = Math.min(end, excerpt.end);
    pieces.push(text.slice(done, start), text.slice(start, last));
    done = last;
  }
  pieces.push(text.slice(done, excerpt.end));
  const shown = pieces.map((piece) => piece.replace(GAP, ' '));
  if (excerpt.start > 0) shown[0] = ELLIPSIS + shown[0];
  if (excerpt.end < text.length) shown.push(shown.pop() + ELLIPSIS);
  if (shown.length > 1 && shown.at(-1) === '') shown.pop();
  return shown;
}

interface WordMatches {
  /** Words up to where an excerpt around the first match can end. */
  readonly words: readonly Word[];
  /** The matches among them, in order, without overlaps. */
  readonly matches: readonly Span[];
}

function findMatches(text: string, terms: readonly Term[]): WordMatches {
  const words: Word[] = [];
  const spans: Span[] = [];
  let end = Number.POSITIVE_INFINITY;
  for (const word of wordsOf(text)) {
    if (word.start > end) break;
    words.push(word);
    for (const term of terms) {
      const first = words[words.length - term.words.length];
      if (first === undefined || !endsWith(words, term)) continue;
      spans.push({ start: first.start, end: word.end });
      end = Math.min(end, first.start + LENGTH_MAX);
    }
  }
  return { words, matches: merge(spans) };
}

/** True if the last words are those of the term. */
function endsWith(words: readonly Word[], { words: wanted, isPrefix }: Term): boolean {
  const offset = words.length - wanted.length;
  return wanted.every((word, index) => {
    const folded = words[offset + index]?.folded;
    return isPrefix && index === wanted.length - 1 ? folded?.startsWith(word) : folded === word;
  });
}

/** Merges matches that overlap (a word, and a phrase that contains it) or touch. */
function merge(spans: readonly Span[]): Span[] {
  const merged: Span[] = [];
  for (const { start, end } of spans.toSorted((a, b) => a.start - b.start)) {
    const last = merged.at(-1);
    if (last === undefined || start > last.end) merged.push({ start, end });
    else merged[merged.length - 1] = { start: last.start, end: Math.max(last.end, end) };
  }
  return merged;
}

/** The excerpt: from the start of one word to the end of another, unless those are too far from the match. */
function around(match: Span, text: string, words: readonly Word[]): Span {
  const from = Math.min(match.start - LEAD_MAX, text.length - LENGTH_MAX);
  const start = from <= 0 ? 0 : (words.find((word) => word.start >= from)?.start ?? match.start);
  const to = start + LENGTH_MAX;
  if (to >= text.length) return { start, end: text.length };
  const last = words.findLast((word) => word.end <= to && word.start >= match.start);
  return { start, end: last?.end ?? cutBefore(text, to, Math.max(start, match.start)) };
}

/**
 * The last position up to `to` that does not separate a character from its marks. If a character has so many marks that
 * there is no such position after `from`, some of them are left out.
 */
function cutBefore(text: string, to: number, from: number): number {
  for (let at = to; at > from; at -= 1) {
    if (!JOINED.test(text.slice(at, at + 2))) return at;
  }
  return LOW_SURROGATE.test(text.charAt(to)) ? to - 1 : to;
}
