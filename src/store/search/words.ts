/**
 * The words of a text, as search sees them. The index, queries and snippets all use this module, so what is found and
 * what is highlighted cannot differ.
 *
 * A word is a run of letters, digits and their marks; everything else separates words. In scripts that put no spaces
 * between words (Chinese, Japanese, Thai, …) each character is a word. Words are compared without case, width,
 * ligatures and accents: `Straße` and `straße` are equal, and so are `Ｃａｆé` and `cafe`.
 */

export interface Word {
  /** The form that is compared: never empty, without ASCII characters other than `a` to `z` and `0` to `9`. */
  readonly folded: string;
  /** Position in the text, in UTF-16 units. `end` is after its last mark. */
  readonly start: number;
  readonly end: number;
}

/** The Unicode version decides which characters are letters, so an index of another version is useless. */
export const WORDS_VERSION = `1, Unicode ${process.versions.unicode}`;

/** Significant characters per word, so that a text without spaces does not become one huge word. */
const WORD_CHARACTERS_MAX = 64;

const ASCII_TEXT = /^[\0-\x7f]*$/;
const ASCII_WORD = /[A-Za-z0-9]+/g;

const UNSPACED =
  '[\\p{scx=Han}\\p{scx=Hira}\\p{scx=Kana}\\p{scx=Thai}\\p{scx=Laoo}\\p{scx=Khmr}\\p{scx=Mymr}]';
const LETTER = '[\\p{L}\\p{N}]';
const WORD = new RegExp(
  `[${LETTER}&&${UNSPACED}]\\p{M}*|[${LETTER}--${UNSPACED}][\\p{M}[${LETTER}--${UNSPACED}]]*`,
  'gv',
);
const UNSPACED_WORD = new RegExp(`^[${LETTER}&&${UNSPACED}]`, 'v');

/**
 * What NFKD separates from letters without being part of them: accents in Latin, Greek and Cyrillic, points in Hebrew
 * and Arabic. The voicing marks of kana and the vowel signs of Indic scripts make other letters, so they stay. Also
 * anything that would separate words: `½` becomes `12`.
 */
const DROPPED = /[\p{Mn}&&[\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0670]]|[^\p{L}\p{N}\p{M}]/gv;

/** The words of a text in order. */
export function* wordsOf(text: string): Generator<Word, undefined> {
  const isAscii = ASCII_TEXT.test(text);
  for (const match of text.matchAll(isAscii ? ASCII_WORD : WORD)) {
    const [run] = match;
    const folded = isAscii ? cut(run.toLowerCase()) : fold(run);
    if (folded !== '') yield { folded, start: match.index, end: match.index + run.length };
  }
}

/** True for a character that is a word of its own and cannot be continued. */
export function isUnspaced(word: string): boolean {
  return UNSPACED_WORD.test(word);
}

function fold(run: string): string {
  if (ASCII_TEXT.test(run)) return cut(run.toLowerCase());
  const letters = run.normalize('NFKD').replace(DROPPED, '').toLowerCase();
  // A sigma is written differently at the end of a word, and a prefix does not end its word.
  return cut(letters.replaceAll('ς', 'σ').normalize('NFC'));
}

function cut(word: string): string {
  return word.length <= WORD_CHARACTERS_MAX ? word : [...word].slice(0, WORD_CHARACTERS_MAX).join('');
}
