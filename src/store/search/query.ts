/**
 * The search syntax: words (all must occur), "quoted phrases", and prefixes (`begin*`). Nothing else has a meaning:
 * `AND`, `NEAR`, `a:b`, `-x` and parentheses are words and separators.
 */

import { LIMITS } from '../../protocol/vocabulary.ts';
import { isUnspaced, wordsOf } from './words.ts';

/** Words that must be adjacent. If `isPrefix`, the last one is only a prefix. Never empty. */
export interface Term {
  readonly words: readonly string[];
  readonly isPrefix: boolean;
}

/** `refused`: `text` tells the user what is wrong and what to do. */
export type Query =
  | { readonly type: 'query'; readonly terms: readonly Term[] }
  | { readonly type: 'refused'; readonly text: string };

const MAX_TERMS = 16;
/**
 * Words in all terms together. FTS5 looks up each one separately: the same frequent word 32 times takes 26 ms in one
 * part of the index.
 */
const MAX_WORDS = 32;
/** A shorter prefix matches too many words to be useful, or to be looked up in bounded time. */
const MIN_PREFIX_CHARACTERS = 2;
/** Each prefix takes up to 3 ms in one part of the index before the first hit, if most messages contain it. */
const MAX_PREFIXES = 4;

const REFUSED = {
  nothing: 'there is nothing to search for; give a word, a "quoted phrase" or a prefix (begin*)',
  open: 'a quotation mark is not closed; add one after the phrase, or remove it',
  star: 'a star must directly follow a prefix (begin*); move it there, or remove it',
  short: `a prefix needs at least ${MIN_PREFIX_CHARACTERS} letters or digits (be*); add some, or remove the star`,
  stars: `there are more than ${MAX_PREFIXES} prefixes (begin*); write some of the words in full`,
  many: `there are more than ${MAX_TERMS} words and phrases, or ${MAX_WORDS} words in total; remove some`,
  long: `the query is longer than ${LIMITS.query} bytes; shorten it`,
} as const;

/** A quoted phrase, possibly followed by a star; an unclosed quotation mark; or a word. */
const PIECE = /"([^"]*)"(\*?)|"|[^\s"]+/g;
/** Keyboards and word processors produce these automatically. */
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
    // Elsewhere in a phrase a star separates words; elsewhere in a word it asks for something that does not exist.
    if (phrase === undefined && piece.slice(0, -1).includes('*')) return refuse('star');
    if (term !== undefined) terms.push(term);
  }
  if (terms.length === 0) return refuse('nothing');
  const words = terms.flatMap((term) => term.words);
  if (terms.length > MAX_TERMS || words.length > MAX_WORDS) return refuse('many');
  const prefixes = terms.filter(({ isPrefix }) => isPrefix);
  return prefixes.length > MAX_PREFIXES ? refuse('stars') : { type: 'query', terms };
}

/**
 * The FTS5 `MATCH` expression that finds the terms in the column `text`. Words contain no ASCII characters other than
 * letters and digits, and are quoted, so nothing in them is syntax.
 */
export function toMatch(terms: readonly Term[]): string {
  const phrases = terms.map(({ words, isPrefix }) => `"${words.join(' ')}"${isPrefix ? '*' : ''}`);
  return `{text} : (${[...new Set(phrases)].join(' AND ')})`;
}

/** Undefined if it contains no word. */
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
  return [...last.folded].length < MIN_PREFIX_CHARACTERS ? 'short' : { words, isPrefix: true };
}

function refuse(reason: keyof typeof REFUSED): Query {
  return { type: 'refused', text: REFUSED[reason] };
}
