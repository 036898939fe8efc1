/**
 * What a person types to search: words (all must occur), "quoted phrases", and beginnings of words (`begin*`). Nothing
 * else has a meaning: `AND`, `NEAR`, `a:b`, `-x` and parentheses are words and what separates them.
 */

import { LIMITS } from '../../protocol/vocabulary.ts';
import { isUnspaced, wordsOf } from './words.ts';

/** Words that must stand side by side; of the last one only the beginning is given if `isPrefix`. Never empty. */
export interface Term {
  readonly words: readonly string[];
  readonly isPrefix: boolean;
}

/** `refused`: `text` tells the person what is wrong and what to do. */
export type Query =
  | { readonly type: 'query'; readonly terms: readonly Term[] }
  | { readonly type: 'refused'; readonly text: string };

const TERMS_MAX = 16;
/** Of all terms. FTS5 looks up each one apart: 32 times the same frequent word take 26 ms in a part of the index. */
const WORDS_MAX = 32;
/** A shorter beginning is that of too many words to be of use, or to be looked up in bounded time. */
const PREFIX_CHARACTERS_MIN = 2;
/** Each takes up to 3 ms in a part of the index before the first hit, for a beginning that most messages have. */
const PREFIXES_MAX = 4;

const REFUSED = {
  nothing: 'there is no word to look for: give a word, a "quoted phrase" or the beginning of a word (begin*)',
  open: 'a quotation mark is not closed: put another one behind the phrase, or leave it out',
  star: 'a star stands right behind the beginning of a word (begin*): move it there, or leave it out',
  short: `a beginning is at least ${PREFIX_CHARACTERS_MIN} letters or digits (be*): give more of them, or leave out the star`,
  stars: `more than ${PREFIXES_MAX} beginnings (begin*): write some of the words in full`,
  many: `more than ${TERMS_MAX} words and phrases, or ${WORDS_MAX} words in all: leave some out`,
  long: `longer than ${LIMITS.query} bytes: leave something out`,
} as const;

/** A phrase with what stands between its quotes and perhaps a star behind it; a quote that is not closed; or a word. */
const PIECE = /"([^"]*)"(\*?)|"|[^\s"]+/g;
/** Keyboards and word processors write these by themselves. */
const CURLY_QUOTES = /[“”„‟]/g;

export function parseQuery(query: string): Query {
  if (Buffer.byteLength(query) > LIMITS.query) return refuse('long');
  const terms: Term[] = [];
  for (const [piece, phrase, star] of query.replace(CURLY_QUOTES, '"').matchAll(PIECE)) {
    if (piece === '"') return refuse('open');
    const body = phrase ?? piece;
    const isStarred = star === '*' || body.endsWith('*');
    const term = isStarred ? parsePrefix(body.replace(/\*$/, '')) : parseTerm(body);
    if (typeof term === 'string') return refuse(term);
    // A star elsewhere in a phrase separates; elsewhere in a word it asks for something that there is not.
    if (phrase === undefined && piece.slice(0, -1).includes('*')) return refuse('star');
    if (term !== undefined) terms.push(term);
  }
  if (terms.length === 0) return refuse('nothing');
  const words = terms.flatMap((term) => term.words);
  if (terms.length > TERMS_MAX || words.length > WORDS_MAX) return refuse('many');
  const prefixes = terms.filter(({ isPrefix }) => isPrefix);
  return prefixes.length > PREFIXES_MAX ? refuse('stars') : { type: 'query', terms };
}

/**
 * The expression for `MATCH` of FTS5 that finds the terms in the column `text`. Words have no ASCII characters but
 * letters and digits and stand in quotes, so that nothing in them is syntax.
 */
export function toMatch(terms: readonly Term[]): string {
  const phrases = terms.map(({ words, isPrefix }) => `"${words.join(' ')}"${isPrefix ? '*' : ''}`);
  return `{text} : (${[...new Set(phrases)].join(' AND ')})`;
}

/** Undefined if there is no word in it. */
function parseTerm(body: string): Term | undefined {
  const words = Array.from(wordsOf(body), ({ folded }) => folded);
  return words.length === 0 ? undefined : { words, isPrefix: false };
}

function parsePrefix(body: string): Term | 'star' | 'short' {
  const found = [...wordsOf(body)];
  const last = found.at(-1);
  if (last === undefined || last.end !== body.length) return 'star';
  const words = found.map(({ folded }) => folded);
  if (isUnspaced(last.folded)) return { words, isPrefix: false };
  return [...last.folded].length < PREFIX_CHARACTERS_MIN ? 'short' : { words, isPrefix: true };
}

function refuse(reason: keyof typeof REFUSED): Query {
  return { type: 'refused', text: REFUSED[reason] };
}
